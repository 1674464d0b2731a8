#include "engine/ops/slicing.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_join.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "engine/ops/axes.h"

namespace beak {
namespace {

using Ints = std::vector<int64_t>;

// No tensor has a dimension as long; offsets up to it can be added without overflow.
constexpr int64_t kMaxOffset = int64_t{1} << 40;

// What Slice is told of one dimension.
struct Range {
  int64_t start = 0;
  int64_t end = std::numeric_limits<int64_t>::max();
  int64_t step = 1;

  // True where it takes all elements, in order or reversed, however many there are.
  bool whole() const {
    constexpr int64_t kFar = std::numeric_limits<int32_t>::max();  // what exporters write for "to the end"
    return (step == 1 && start == 0 && end >= kFar) || (step == -1 && (start == -1 || start >= kFar) && end <= -kFar);
  }
};

absl::Status CheckSize(const char* what, size_t expected, size_t got) {
  if (expected == got) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, ": expected ", expected, " numbers, got ", got));
}

// Without axes a list speaks of the first dimensions.
absl::StatusOr<std::vector<int>> AxesOf(const std::optional<Ints>& axes, size_t count, int rank) {
  if (axes) {
    RETURN_IF_ERROR(CheckSize("axes", count, axes->size()));
    return ResolveAxes(*axes, rank);
  }
  if (count > static_cast<size_t>(rank)) {
    return absl::InvalidArgumentError(absl::StrCat("axes: expected at most ", rank, ", got ", count));
  }
  std::vector<int> first(count);
  for (size_t i = 0; i < count; ++i) first[i] = static_cast<int>(i);
  return first;
}

// One range a dimension.
absl::StatusOr<std::vector<Range>> RangesOf(int rank, const Ints& starts, const Ints& ends,
                                            const std::optional<Ints>& axes, const std::optional<Ints>& steps) {
  RETURN_IF_ERROR(CheckSize("ends", starts.size(), ends.size()));
  if (steps) RETURN_IF_ERROR(CheckSize("steps", starts.size(), steps->size()));
  ASSIGN_OR_RETURN(const std::vector<int> resolved, AxesOf(axes, starts.size(), rank));
  std::vector<Range> ranges(rank);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t step = steps ? (*steps)[i] : 1;
    if (step == 0) return absl::InvalidArgumentError("steps: expected other than 0, got 0");
    // A step beyond the dimension takes one element, however far beyond it is.
    ranges[resolved[i]] = {starts[i], ends[i], std::clamp(step, -kMaxOffset, kMaxOffset)};
  }
  return ranges;
}

// The range with both ends inside the dimension, as ONNX does it: where steps go backwards, a start in front of the
// first element is the first element. REQUIRES: dim <= kMaxOffset.
Range ClampTo(const Range& range, int64_t dim) {
  if (dim == 0) return {0, 0, 1};
  const auto place = [dim](int64_t index, int64_t low, int64_t high) {
    if (index < 0) index = std::max(index, -2 * kMaxOffset) + dim;
    return std::clamp(index, low, high);
  };
  if (range.step > 0) return {place(range.start, 0, dim), place(range.end, 0, dim), range.step};
  return {place(range.start, 0, dim - 1), place(range.end, -1, dim - 1), range.step};
}

int64_t CountOf(const Range& range) {
  const int64_t distance = range.step > 0 ? range.end - range.start : range.start - range.end;
  const int64_t step = range.step > 0 ? range.step : -range.step;
  return distance <= 0 ? 0 : (distance - 1) / step + 1;
}

absl::Status CheckDim(int64_t dim) {
  if (dim <= kMaxOffset) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("input: expected dimensions of at most ", kMaxOffset, ", got ", dim));
}

}  // namespace

absl::StatusOr<ResolvedSlice> ResolveSlice(const Shape& input, const Ints& starts, const Ints& ends,
                                           const std::optional<Ints>& axes, const std::optional<Ints>& steps) {
  ASSIGN_OR_RETURN(const std::vector<Range> ranges,
                   RangesOf(static_cast<int>(input.size()), starts, ends, axes, steps));
  ResolvedSlice slice;
  for (size_t d = 0; d < input.size(); ++d) {
    RETURN_IF_ERROR(CheckDim(input[d]));
    const Range range = ClampTo(ranges[d], input[d]);
    slice.starts.push_back(range.start);
    slice.steps.push_back(range.step);
    slice.output.push_back(CountOf(range));
  }
  return slice;
}

absl::StatusOr<PartialShape> SliceOutput(const PartialShape& input, const Ints& starts, const Ints& ends,
                                         const std::optional<Ints>& axes, const std::optional<Ints>& steps) {
  ASSIGN_OR_RETURN(const std::vector<Range> ranges,
                   RangesOf(static_cast<int>(input.size()), starts, ends, axes, steps));
  PartialShape output;
  for (size_t d = 0; d < input.size(); ++d) {
    if (input[d].known()) {
      RETURN_IF_ERROR(CheckDim(input[d].value()));
      output.push_back(CountOf(ClampTo(ranges[d], input[d].value())));
    } else {
      output.push_back(ranges[d].whole() ? input[d] : Dim());
    }
  }
  return output;
}

absl::StatusOr<ResolvedPads> ResolvePads(int rank, const Ints& pads, const std::optional<Ints>& axes) {
  const size_t count = axes ? axes->size() : static_cast<size_t>(rank);
  RETURN_IF_ERROR(CheckSize("pads", 2 * count, pads.size()));
  ASSIGN_OR_RETURN(const std::vector<int> resolved, AxesOf(axes, count, rank));
  ResolvedPads result{Ints(rank), Ints(rank)};
  for (size_t i = 0; i < count; ++i) {
    result.begin[resolved[i]] = pads[i];
    result.end[resolved[i]] = pads[i + count];
  }
  const auto far = [](int64_t pad) { return pad < -kMaxOffset || pad > kMaxOffset; };
  if (std::any_of(pads.begin(), pads.end(), far)) {
    return absl::InvalidArgumentError(absl::StrCat("pads: expected numbers in [-", kMaxOffset, ", ", kMaxOffset,
                                                   "], got [", absl::StrJoin(pads, ", "), "]"));
  }
  return result;
}

absl::StatusOr<Ints> ResolveSplit(int64_t dim, const std::optional<Ints>& sizes, size_t outputs) {
  if (!sizes) {
    const int64_t count = static_cast<int64_t>(outputs);
    const int64_t size = dim / count + (dim % count != 0 ? 1 : 0);
    Ints equal;
    for (int64_t rest = dim; equal.size() < outputs; rest -= equal.back()) equal.push_back(std::min(size, rest));
    return equal;
  }
  RETURN_IF_ERROR(CheckSize("split", outputs, sizes->size()));
  int64_t rest = dim;
  bool fits = true;
  for (const int64_t size : *sizes) {
    fits = fits && size >= 0 && size <= rest;
    if (fits) rest -= size;
  }
  if (fits && rest == 0) return *sizes;
  return absl::InvalidArgumentError(
      absl::StrCat("split: expected sizes that add up to ", dim, ", got [", absl::StrJoin(*sizes, ", "), "]"));
}

}  // namespace beak
