#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tensor/dtype.h"

namespace beak {

// The sizes of a tensor's dimensions, outermost first, all >= 0. Rank 0 is a scalar. A value type.
using Shape = std::vector<int64_t>;

// Number of elements; 1 for a scalar. REQUIRES: a shape that CheckShape accepted.
int64_t NumElements(const Shape& shape);

// The bytes that a dense tensor of this shape and type takes, or why there can be none: a negative dimension or a rank
// above limits::kMaxRank (INVALID_ARGUMENT), more than limits::kMaxTensorBytes (RESOURCE_EXHAUSTED).
absl::StatusOr<int64_t> CheckedByteSize(const Shape& shape, DType dtype);

// Row-major strides in elements.
Shape Strides(const Shape& shape);

// "[2, 3, 28, 28]"; "[]" for a scalar.
std::string ToString(const Shape& shape);

// NumPy broadcasting of two shapes; INVALID_ARGUMENT where they do not fit.
absl::StatusOr<Shape> Broadcast(const Shape& a, const Shape& b);

// An axis counted from the end when negative, as 0..rank-1; INVALID_ARGUMENT outside [-rank, rank).
absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank);

// One dimension of a shape that is not known yet: a number, or a symbol. Two dimensions with the same symbol are
// equal; an empty symbol is equal to nothing, itself included. A value type.
class Dim {
 public:
  Dim() = default;                       // unknown
  Dim(int64_t value) : value_(value) {}  // NOLINT: numbers are dimensions. REQUIRES: value >= 0
  static Dim Symbol(std::string name);

  bool known() const { return value_ >= 0; }
  int64_t value() const { return value_; }  // REQUIRES: known()
  const std::string& symbol() const { return symbol_; }
  // True when both are surely equal.
  bool Same(const Dim& other) const;

 private:
  int64_t value_ = -1;
  std::string symbol_;
};

// A shape with a known rank whose dimensions may be symbols. A value type.
using PartialShape = std::vector<Dim>;

bool IsStatic(const PartialShape& shape);
// REQUIRES: IsStatic(shape)
Shape ToShape(const PartialShape& shape);
PartialShape ToPartial(const Shape& shape);
// "[batch, 3, ?, 28]"
std::string ToString(const PartialShape& shape);

}  // namespace beak
