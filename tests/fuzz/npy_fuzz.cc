// Any bytes as a .npy file: an error, or a tensor that is written and read back as it is.
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "engine/io/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<beak::Tensor> tensor =
      beak::ParseNpy(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!tensor.ok()) return 0;
  const std::string file = beak::FormatNpy(*tensor);
  const absl::StatusOr<beak::Tensor> again = beak::ParseNpy(file);
  BEAK_CHECK(again.ok() && again->shape() == tensor->shape() && beak::FormatNpy(*again) == file);
  return 0;
}
