#include "engine/tensor/shape.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "engine/base/check.h"
#include "engine/base/checked.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

namespace beak {

int64_t NumElements(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  return count;
}

absl::StatusOr<int64_t> CheckedByteSize(const Shape& shape, DType dtype) {
  if (shape.size() > static_cast<size_t>(limits::kMaxRank)) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape: expected at most ", limits::kMaxRank, " dimensions, got ", shape.size()));
  }
  // The size without its zeros is what has to fit, so that strides and partial products do as well.
  int64_t bytes = static_cast<int64_t>(SizeOf(dtype));
  bool empty = false;
  for (const int64_t dim : shape) {
    if (dim < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", ToString(shape), ": expected dimensions of 0 or more, got ", dim));
    }
    if (dim == 0) empty = true;
    const std::optional<int64_t> product = CheckedMul(bytes, std::max<int64_t>(dim, 1));
    if (!product || *product > limits::kMaxTensorBytes) {
      return absl::ResourceExhaustedError(absl::StrCat("shape ", ToString(shape), " of ", NameOf(dtype),
                                                       ": expected at most ", limits::kMaxTensorBytes, " bytes"));
    }
    bytes = *product;
  }
  return empty ? 0 : bytes;
}

Shape Strides(const Shape& shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

std::string ToString(const Shape& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

absl::StatusOr<Shape> Broadcast(const Shape& a, const Shape& b) {
  const Shape& longer = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  const size_t offset = longer.size() - shorter.size();
  Shape result = longer;
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& dim = result[offset + i];
    if (dim == shorter[i] || shorter[i] == 1) continue;
    if (dim != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("broadcast: expected equal dimensions or 1, got ", ToString(a), " and ", ToString(b)));
    }
    dim = shorter[i];
  }
  return result;
}

absl::StatusOr<int> NormalizeAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("axis: expected one in [", -rank, ", ", rank, ") for rank ", rank, ", got ", axis));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Dim Dim::Symbol(std::string name) {
  Dim dim;
  dim.symbol_ = std::move(name);
  return dim;
}

bool Dim::Same(const Dim& other) const {
  if (known() || other.known()) return value_ == other.value_;
  return !symbol_.empty() && symbol_ == other.symbol_;
}

bool IsStatic(const PartialShape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& dim) { return dim.known(); });
}

Shape ToShape(const PartialShape& shape) {
  BEAK_CHECK(IsStatic(shape));
  Shape result;
  result.reserve(shape.size());
  for (const Dim& dim : shape) result.push_back(dim.value());
  return result;
}

PartialShape ToPartial(const Shape& shape) { return PartialShape(shape.begin(), shape.end()); }

std::string ToString(const PartialShape& shape) {
  const auto format = [](std::string* out, const Dim& dim) {
    if (dim.known()) {
      absl::StrAppend(out, dim.value());
    } else {
      absl::StrAppend(out, dim.symbol().empty() ? "?" : dim.symbol());
    }
  };
  return absl::StrCat("[", absl::StrJoin(shape, ", ", format), "]");
}

}  // namespace beak
