#include "server/http/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace beak {
namespace {

constexpr int kGzipWindow = MAX_WBITS + 16;  // zlib: 16 more than the window for gzip
constexpr int kMemoryLevel = 8;              // zlib's default
constexpr size_t kChunkBytes = 64 << 10;

int WindowOf(ContentCoding coding) { return coding == ContentCoding::kGzip ? kGzipWindow : MAX_WBITS; }

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

Bytef* Input(std::string_view bytes) { return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data())); }

// "gzip;q=0.5": whether it is wanted at all.
bool Wanted(absl::string_view parameters) {
  for (absl::string_view parameter : absl::StrSplit(parameters, ';')) {
    parameter = absl::StripAsciiWhitespace(parameter);
    double quality = 1;
    if (absl::ConsumePrefix(&parameter, "q=") && absl::SimpleAtod(parameter, &quality)) return quality > 0;
  }
  return true;
}

absl::Status NotCoded(ContentCoding coding) {
  return absl::InvalidArgumentError(
      absl::StrCat("body: expected Content-Encoding ", NameOf(coding), ", got something else"));
}

}  // namespace

const char* NameOf(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip:
      return "gzip";
    case ContentCoding::kDeflate:
      return "deflate";
    case ContentCoding::kIdentity:
      break;
  }
  return "identity";
}

std::optional<ContentCoding> ParseContentCoding(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(View(name)));
  if (lower.empty() || lower == "identity") return ContentCoding::kIdentity;
  if (lower == "gzip" || lower == "x-gzip") return ContentCoding::kGzip;
  if (lower == "deflate") return ContentCoding::kDeflate;
  return std::nullopt;
}

ContentCoding ChooseContentCoding(std::string_view accept_encoding) {
  ContentCoding best = ContentCoding::kIdentity;
  for (const absl::string_view entry : absl::StrSplit(View(accept_encoding), ',')) {
    const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(entry, absl::MaxSplits(';', 1));
    const std::optional<ContentCoding> coding = ParseContentCoding({parts.first.data(), parts.first.size()});
    if (!coding || *coding == ContentCoding::kIdentity || !Wanted(parts.second)) continue;
    if (*coding == ContentCoding::kGzip || best == ContentCoding::kIdentity) best = *coding;
  }
  return best;
}

absl::StatusOr<std::string> Decode(ContentCoding coding, std::string_view bytes, int64_t max_bytes) {
  if (coding == ContentCoding::kIdentity) return std::string(bytes);
  z_stream stream{};
  if (inflateInit2(&stream, WindowOf(coding)) != Z_OK) return absl::InternalError("zlib: cannot begin");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  stream.next_in = Input(bytes);
  std::string decoded;
  int result = Z_OK;
  while (result == Z_OK) {
    // As much as is left to read is given at once: zlib counts it in 32 bits.
    if (stream.avail_in == 0) {
      const size_t left = bytes.size() - static_cast<size_t>(stream.next_in - Input(bytes));
      stream.avail_in = static_cast<uInt>(std::min<size_t>(left, 1u << 30));
    }
    const size_t before = decoded.size();
    decoded.resize(before + kChunkBytes);
    stream.next_out = reinterpret_cast<Bytef*>(decoded.data() + before);
    stream.avail_out = kChunkBytes;
    result = inflate(&stream, Z_NO_FLUSH);
    decoded.resize(decoded.size() - stream.avail_out);
    if (static_cast<int64_t>(decoded.size()) > max_bytes) {
      return absl::ResourceExhaustedError(absl::StrCat("body: expected at most ", max_bytes, " bytes when decoded"));
    }
  }
  const bool whole = result == Z_STREAM_END && stream.next_in == Input(bytes) + bytes.size();
  if (!whole) return NotCoded(coding);
  return decoded;
}

std::string Encode(ContentCoding coding, std::string_view bytes) {
  z_stream stream{};
  if (coding == ContentCoding::kIdentity || bytes.size() > (1u << 30) ||
      deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, WindowOf(coding), kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::string(bytes);
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::string encoded(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(encoded.data());
  stream.avail_out = static_cast<uInt>(encoded.size());
  deflate(&stream, Z_FINISH);  // there is room for all of it
  encoded.resize(encoded.size() - stream.avail_out);
  return encoded;
}

}  // namespace beak
