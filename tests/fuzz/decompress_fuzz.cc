// Any bytes as a file that may be compressed: an error, or no more than was allowed.
#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "engine/io/decompress.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMax = 1 << 16;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<std::string> contents = beak::Decompress(bytes, kMax);
  BEAK_CHECK(!contents.ok() || static_cast<int64_t>(contents->size()) <= kMax || *contents == bytes);
  return 0;
}
