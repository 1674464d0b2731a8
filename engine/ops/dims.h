#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/shape.h"

namespace beak {

// Arithmetic on dimensions that may be symbols: exact where it can be, unknown where not, never wrong. Pure functions.

// False only where both are known and differ.
bool MayBeEqual(const Dim& a, const Dim& b);
// Of two dimensions that must be equal, the one that is known better.
const Dim& Better(const Dim& a, const Dim& b);

// Whole numbers computed from dimensions, as Shape -> Gather -> Mul ... -> Reshape does; unknown where the result is
// negative, overflows or divides by zero.
Dim AddDims(const Dim& a, const Dim& b);
Dim SubtractDims(const Dim& a, const Dim& b);
Dim MultiplyDims(const Dim& a, const Dim& b);
Dim DivideDims(const Dim& a, const Dim& b);
Dim ProductOfDims(std::span<const Dim> dims);

// NumPy broadcasting; INVALID_ARGUMENT where the shapes surely do not fit.
absl::StatusOr<PartialShape> BroadcastDims(const PartialShape& a, const PartialShape& b);

// The shape that Reshape gives. In `target` a known 0 copies the input's dimension (unless `allow_zero`) and an unknown
// dimension is worked out from the number of elements where it is the only one: [batch, 2, 3] to [?, 6] is [batch, 6].
// INVALID_ARGUMENT where the numbers of elements surely differ.
absl::StatusOr<PartialShape> ResolveReshape(const PartialShape& input, const std::vector<Dim>& target, bool allow_zero);
// The same for the elements of a constant, with at most one -1.
absl::StatusOr<PartialShape> ResolveReshape(const PartialShape& input, const std::vector<int64_t>& target,
                                            bool allow_zero);

}  // namespace beak
