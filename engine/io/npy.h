#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak {

// NumPy's .npy format, versions 1 to 3: one array a file.
// Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html

// The array in `bytes`, which nobody needs to have checked. Little-endian arrays of our element types are read, those
// in Fortran order are transposed to ours. INVALID_ARGUMENT for what is no such array, is cut short or has bytes left
// over; RESOURCE_EXHAUSTED for shapes above the limits.
absl::StatusOr<Tensor> ParseNpy(std::string_view bytes);

// The file that numpy.save would write, byte for byte.
std::string FormatNpy(const Tensor& tensor);

}  // namespace beak
