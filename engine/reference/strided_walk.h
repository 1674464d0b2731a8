#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/limits.h"
#include "engine/tensor/shape.h"

namespace beak {

// A walk over the elements of a result, in row-major order, that knows where the matching element of each operand lies:
// what broadcasting, transposing, slicing, tiling and reducing have in common. Dimensions that all operands run through
// alike are one. *Immutable.*
class StridedWalk {
 public:
  // strides[k][d]: elements of operand k between neighbours along dimension d; 0 where it is repeated, negative where
  // it is read backwards.
  StridedWalk(const Shape& dims, const std::vector<Shape>& strides);
  // Operands broadcast to `result` by NumPy's rules; INVALID_ARGUMENT where they do not fit it.
  static absl::StatusOr<StridedWalk> Broadcast(const Shape& result, const std::vector<Shape>& operands);

  // Of the innermost dimension, which the caller loops over.
  int64_t run_length() const { return dims_.back(); }
  int64_t step(size_t operand) const { return strides_[operand].back(); }

  // Calls fn(first, offsets) for each run: `first` is its place in the result, offsets[k] in operand k.
  template <size_t N, typename Fn>
  void ForEachRun(Fn&& fn) const {
    if (empty_) return;
    std::array<int64_t, kMaxDims> index{};
    std::array<int64_t, N> offsets{};
    const int outer = static_cast<int>(dims_.size()) - 1;
    for (int64_t first = 0;; first += run_length()) {
      fn(first, offsets);
      int d = outer - 1;
      for (; d >= 0; --d) {
        for (size_t k = 0; k < N; ++k) offsets[k] += strides_[k][d];
        if (++index[d] < dims_[d]) break;
        for (size_t k = 0; k < N; ++k) offsets[k] -= strides_[k][d] * dims_[d];
        index[d] = 0;
      }
      if (d < 0) return;
    }
  }

 private:
  static constexpr int kMaxDims = 2 * limits::kMaxRank;  // Tile walks every dimension twice

  bool empty_ = false;
  Shape dims_;                  // at least one
  std::vector<Shape> strides_;  // per operand
};

// out[i] = the element of `in` that `walk`'s first operand says, for elements of any type.
void CopyStrided(const StridedWalk& walk, size_t element_size, const std::byte* in, std::byte* out);

}  // namespace beak
