// Any bytes as a .safetensors file: an error, or tensors that are written and read back as they are.
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "engine/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<beak::SafeTensors> contents =
      beak::ParseSafeTensors(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!contents.ok()) return 0;
  const std::string file = beak::FormatSafeTensors(*contents);
  const absl::StatusOr<beak::SafeTensors> again = beak::ParseSafeTensors(file);
  BEAK_CHECK(again.ok() && again->tensors.size() == contents->tensors.size());
  BEAK_CHECK(again->metadata == contents->metadata && beak::FormatSafeTensors(*again) == file);
  return 0;
}
