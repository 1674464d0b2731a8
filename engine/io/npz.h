#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak {

// One array of a .npz file. A value type.
struct NamedArray {
  std::string name;  // without ".npy"
  Tensor tensor;
};

// NumPy's .npz format: a ZIP archive of .npy files, stored or deflated, in their order there. Nobody needs to have
// checked the bytes. Errors as ParseNpy's, which name the array; RESOURCE_EXHAUSTED when the files are longer than
// `max_bytes` together. Source: numpy.org/doc/stable/reference/generated/numpy.savez.html
absl::StatusOr<std::vector<NamedArray>> ParseNpz(std::string_view bytes, int64_t max_bytes);

}  // namespace beak
