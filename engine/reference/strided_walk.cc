#include "engine/reference/strided_walk.h"

#include <algorithm>

#include "engine/base/check.h"
#include "engine/reference/dispatch.h"

namespace beak {
namespace {

// True when a step along the outer dimension is a whole row of the inner one, for every operand.
bool Contiguous(const std::vector<Shape>& strides, size_t outer, int64_t inner_size, size_t inner) {
  return std::all_of(strides.begin(), strides.end(), [&](const Shape& s) { return s[outer] == s[inner] * inner_size; });
}

}  // namespace

StridedWalk::StridedWalk(const Shape& dims, const std::vector<Shape>& strides) : strides_(strides.size()) {
  // From the innermost outwards; turned round at the end.
  size_t last = dims.size();  // the dimension that dims_.back() begins with, none yet
  for (size_t d = dims.size(); d-- > 0;) {
    if (dims[d] == 0) empty_ = true;
    if (dims[d] == 1) continue;
    if (last < dims.size() && Contiguous(strides, d, dims[last], last)) {
      dims_.back() *= dims[d];
    } else {
      dims_.push_back(dims[d]);
      for (size_t k = 0; k < strides.size(); ++k) strides_[k].push_back(strides[k][d]);
    }
    last = d;
  }
  if (dims_.empty()) {
    dims_.push_back(1);
    for (Shape& s : strides_) s.push_back(1);
  }
  BEAK_CHECK(dims_.size() <= kMaxDims);
  std::reverse(dims_.begin(), dims_.end());
  for (Shape& s : strides_) std::reverse(s.begin(), s.end());
}

absl::StatusOr<StridedWalk> StridedWalk::Broadcast(const Shape& result, const std::vector<Shape>& operands) {
  std::vector<Shape> strides;
  for (const Shape& operand : operands) {
    const absl::StatusOr<Shape> both = beak::Broadcast(result, operand);
    if (!both.ok() || *both != result) {
      return absl::InvalidArgumentError(
          absl::StrCat("broadcast: expected a shape that fits ", ToString(result), ", got ", ToString(operand)));
    }
    const size_t offset = result.size() - operand.size();
    const Shape own = Strides(operand);
    Shape& s = strides.emplace_back(result.size(), 0);
    for (size_t d = 0; d < operand.size(); ++d) {
      if (operand[d] != 1) s[offset + d] = own[d];
    }
  }
  return StridedWalk(result, strides);
}

void CopyStrided(const StridedWalk& walk, size_t element_size, const std::byte* in, std::byte* out) {
  DispatchSize(element_size, [&]<typename T>() {
    const T* const source = reinterpret_cast<const T*>(in);
    T* const target = reinterpret_cast<T*>(out);
    const int64_t count = walk.run_length();
    const int64_t step = walk.step(0);
    walk.ForEachRun<1>([&](int64_t first, const std::array<int64_t, 1>& offsets) {
      const T* const from = source + offsets[0];
      T* const to = target + first;
      if (step == 1) {
        std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
      } else if (step == 0) {
        std::fill_n(to, count, *from);
      } else {
        for (int64_t i = 0; i < count; ++i) to[i] = from[i * step];
      }
    });
  });
}

}  // namespace beak
