#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/axes.h"
#include "engine/ops/dims.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

int RankOf(const InferContext& context, int input) { return static_cast<int>(context.shape(input).size()); }

// Elements that are only rearranged under a new shape are still the same numbers.
void SetReshaped(InferContext& context, PartialShape output) {
  if (std::optional<std::vector<Dim>> value = context.dims_value(0)) context.set_dims_value(0, *std::move(value));
  context.set_output(0, context.dtype(0), std::move(output));
}

// The elements of an input that is a list of sizes, as far as they are known.
absl::StatusOr<std::vector<Dim>> SizesOf(InferContext& context, int input, const char* what) {
  RETURN_IF_ERROR(ExpectIndices(context, input));
  RETURN_IF_ERROR(ExpectRank(context, input, 1));
  if (const Tensor* constant = context.constant(input)) {
    ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, ToInt64s(*constant));
    for (const int64_t size : sizes) {
      if (size < 0) {
        return absl::InvalidArgumentError(absl::StrCat("input '", what, "': expected 0 or more, got ", size));
      }
    }
    return std::vector<Dim>(sizes.begin(), sizes.end());
  }
  std::optional<std::vector<Dim>> sizes = context.dims_value(input);
  if (!sizes) return context.DependsOnData(absl::StrCat("input '", what, "' must be constant"));
  return *std::move(sizes);
}

// The shape as a vector, from dimension `start` up to `end`.
absl::Status InferShape(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  const int64_t rank = RankOf(context, 0);
  const auto clamp = [rank](int64_t index) {
    return std::clamp<int64_t>(index < 0 ? std::max(index, -rank) + rank : index, 0, rank);
  };
  const int64_t start = clamp(context.node().Get<int64_t>("start", 0));
  const int64_t end = std::max(start, clamp(context.node().Get<int64_t>("end", rank)));
  context.set_output(0, DType::kInt64, {end - start});
  context.set_dims_value(0, {shape.begin() + start, shape.begin() + end});
  return absl::OkStatus();
}

// x, shape
absl::Status InferReshape(InferContext& context) {
  RETURN_IF_ERROR(ExpectIndices(context, 1));
  RETURN_IF_ERROR(ExpectRank(context, 1, 1));
  const bool allow_zero = context.node().Get<int64_t>("allowzero", 0) != 0;
  if (const Tensor* target = context.constant(1)) {
    ASSIGN_OR_RETURN(const std::vector<int64_t> ints, ToInt64s(*target));
    ASSIGN_OR_RETURN(PartialShape output, ResolveReshape(context.shape(0), ints, allow_zero));
    SetReshaped(context, std::move(output));
    return absl::OkStatus();
  }
  const std::optional<std::vector<Dim>> target = context.dims_value(1);
  if (!target) return context.DependsOnData("input 'shape' must be constant");
  ASSIGN_OR_RETURN(PartialShape output, ResolveReshape(context.shape(0), *target, allow_zero));
  SetReshaped(context, std::move(output));
  return absl::OkStatus();
}

// To two dimensions: those before `axis`, and the rest.
absl::Status InferFlatten(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  const int rank = RankOf(context, 0);
  int64_t axis = context.node().Get<int64_t>("axis", 1);
  if (axis < -rank || axis > rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute 'axis': expected one in [", -rank, ", ", rank, "], got ", axis));
  }
  if (axis < 0) axis += rank;
  const std::span<const Dim> dims(shape);
  SetReshaped(context, {ProductOfDims(dims.first(axis)), ProductOfDims(dims.subspan(axis))});
  return absl::OkStatus();
}

absl::Status InferTranspose(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  std::vector<int64_t> perm(shape.size());
  std::iota(perm.rbegin(), perm.rend(), 0);
  perm = context.node().Get<std::vector<int64_t>>("perm", std::move(perm));
  ASSIGN_OR_RETURN(const std::vector<int> axes, ResolveAxes(perm, RankOf(context, 0)));
  if (axes.size() != shape.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute 'perm': expected ", shape.size(), " axes, got ", axes.size()));
  }
  PartialShape output;
  for (const int axis : axes) output.push_back(shape[axis]);
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// x, axes; without axes every dimension of 1 goes.
absl::Status InferSqueeze(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> listed, context.ConstantInts(1, "axes"));
  std::vector<bool> gone(shape.size());
  if (listed) {
    ASSIGN_OR_RETURN(const std::vector<int> axes, ResolveAxes(*listed, RankOf(context, 0)));
    for (const int axis : axes) {
      if (!MayBeEqual(shape[axis], 1)) {
        return absl::InvalidArgumentError(
            absl::StrCat("axes: expected a dimension of 1 at ", axis, ", got ", ToString(shape)));
      }
      gone[axis] = true;
    }
  } else {
    if (!IsStatic(shape)) return context.DependsOnData("input 'axes' must be given where dimensions are not known");
    for (size_t i = 0; i < shape.size(); ++i) gone[i] = shape[i].value() == 1;
  }
  PartialShape output;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!gone[i]) output.push_back(shape[i]);
  }
  SetReshaped(context, std::move(output));
  return absl::OkStatus();
}

// x, axes: places in the output where a dimension of 1 is put in.
absl::Status InferUnsqueeze(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> listed, context.ConstantInts(1, "axes"));
  ASSIGN_OR_RETURN(const std::vector<int> axes, ResolveAxes(*listed, static_cast<int>(shape.size() + listed->size())));
  std::vector<bool> put(shape.size() + axes.size());
  for (const int axis : axes) put[axis] = true;
  PartialShape output;
  auto next = shape.begin();
  for (const bool one : put) output.push_back(one ? Dim(1) : *next++);
  SetReshaped(context, std::move(output));
  return absl::OkStatus();
}

// x, shape: both ways, as NumPy broadcasts.
absl::Status InferExpand(InferContext& context) {
  ASSIGN_OR_RETURN(const std::vector<Dim> target, SizesOf(context, 1, "shape"));
  ASSIGN_OR_RETURN(PartialShape output, BroadcastDims(context.shape(0), target));
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// x, repeats
absl::Status InferTile(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  context.set_output(0, context.dtype(0), PartialShape(shape.size()));
  ASSIGN_OR_RETURN(const std::vector<Dim> repeats, SizesOf(context, 1, "repeats"));
  if (repeats.size() != shape.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("repeats: expected ", shape.size(), " numbers, got ", repeats.size()));
  }
  PartialShape output;
  for (size_t i = 0; i < shape.size(); ++i) {
    output.push_back(MultiplyDims(shape[i], repeats[i]));
    if (!output[i].known() && shape[i].known() && repeats[i].known()) {
      return absl::InvalidArgumentError(absl::StrCat("repeats: expected fewer, got ", repeats[i].value()));
    }
  }
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// shape -> a tensor full of `value`
absl::Status InferConstantOfShape(InferContext& context) {
  const Tensor value = context.node().Get<Tensor>("value", Tensor::Of<float>({1}, {0}));
  if (!value.has_bytes() || value.num_elements() != 1) {
    return absl::InvalidArgumentError("attribute 'value': expected one element");
  }
  ASSIGN_OR_RETURN(PartialShape shape, SizesOf(context, 0, "input"));
  context.set_output(0, value.dtype(), std::move(shape));
  return absl::OkStatus();
}

}  // namespace

std::vector<Op> ShapeOps() {
  return {
      {.name = "ConstantOfShape",
       .attributes = {{.name = "value", .type = AttributeType::kTensor}},
       .infer = InferConstantOfShape},
      {.name = "Expand", .min_inputs = 2, .max_inputs = 2, .infer = InferExpand},
      {.name = "Flatten", .attributes = {IntAttribute("axis")}, .infer = InferFlatten},
      {.name = "Reshape",
       .min_inputs = 2,
       .max_inputs = 2,
       .attributes = {IntAttribute("allowzero")},
       .infer = InferReshape},
      {.name = "Shape", .attributes = {IntAttribute("end"), IntAttribute("start")}, .infer = InferShape},
      {.name = "Squeeze", .max_inputs = 2, .infer = InferSqueeze},
      {.name = "Tile", .min_inputs = 2, .max_inputs = 2, .infer = InferTile},
      {.name = "Transpose", .attributes = {IntsAttribute("perm")}, .infer = InferTranspose},
      {.name = "Unsqueeze", .min_inputs = 2, .max_inputs = 2, .infer = InferUnsqueeze},
  };
}

}  // namespace beak
