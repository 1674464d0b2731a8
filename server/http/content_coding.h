#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace beak {

// What HTTP calls content codings: gzip (RFC 1952) and deflate (RFC 1950, the zlib format). Files of data sets have
// engine/io/decompress.h, which front ends do not include: it knows .xz, and files of several members, but not deflate.
enum class ContentCoding { kIdentity, kGzip, kDeflate };

// "gzip", "x-gzip", "deflate", "identity", "", in any case; nullopt for others.
std::optional<ContentCoding> ParseContentCoding(std::string_view name);

// The coding of an answer to a client whose Accept-Encoding is this: gzip, else deflate, where it takes them.
ContentCoding ChooseContentCoding(std::string_view accept_encoding);

// INVALID_ARGUMENT for bytes that are not in that coding, or end early, or go on; RESOURCE_EXHAUSTED where more than
// `max_bytes` would come out.
absl::StatusOr<std::string> Decode(ContentCoding coding, std::string_view bytes, int64_t max_bytes);

std::string Encode(ContentCoding coding, std::string_view bytes);

// "gzip", "deflate".
const char* NameOf(ContentCoding coding);

}  // namespace beak
