#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak {

// Labelled pictures. A value type.
struct LabelledImages {
  Tensor images;  // uint8 [n, height, width, channels]
  Tensor labels;  // int64 [n]
};

// A file of CIFAR-10's binary version, n >= 1 records of a label 0..9 and the three 32 x 32 planes of a picture; the
// planes are interleaved here. Nobody needs to have checked the bytes: INVALID_ARGUMENT where they are no whole number
// of records, or for a label above 9. Source: www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
absl::StatusOr<LabelledImages> ParseCifar10(std::string_view bytes);

}  // namespace beak
