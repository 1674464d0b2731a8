#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/shape.h"

namespace beak {

// What Slice, Pad and Split take of each dimension of their input, resolved. Pure functions; INVALID_ARGUMENT for lists
// that are out of range or do not fit the shape.

// Slice, per dimension of the input: element i of the output is element starts[d] + i * steps[d] of the input.
struct ResolvedSlice {
  std::vector<int64_t> starts;  // in range wherever output[d] > 0
  std::vector<int64_t> steps;   // != 0; 1 where a dimension is not sliced
  Shape output;
};
absl::StatusOr<ResolvedSlice> ResolveSlice(const Shape& input, const std::vector<int64_t>& starts,
                                           const std::vector<int64_t>& ends,
                                           const std::optional<std::vector<int64_t>>& axes,
                                           const std::optional<std::vector<int64_t>>& steps);
// The output's shape where the input's is known in part.
absl::StatusOr<PartialShape> SliceOutput(const PartialShape& input, const std::vector<int64_t>& starts,
                                         const std::vector<int64_t>& ends,
                                         const std::optional<std::vector<int64_t>>& axes,
                                         const std::optional<std::vector<int64_t>>& steps);

// Pad, per dimension of the input; negative where elements are cut off.
struct ResolvedPads {
  std::vector<int64_t> begin;
  std::vector<int64_t> end;
};
absl::StatusOr<ResolvedPads> ResolvePads(int rank, const std::vector<int64_t>& pads,
                                         const std::optional<std::vector<int64_t>>& axes);

// Split: the size of each output along the axis, which is `dim` long. Without `sizes` all are equal, except that the
// last may be smaller.
absl::StatusOr<std::vector<int64_t>> ResolveSplit(int64_t dim, const std::optional<std::vector<int64_t>>& sizes,
                                                  size_t outputs);

}  // namespace beak
