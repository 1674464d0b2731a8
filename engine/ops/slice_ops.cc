#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/dims.h"
#include "engine/ops/rule.h"
#include "engine/ops/slicing.h"

namespace beak {
namespace {

using Ints = std::vector<int64_t>;

absl::StatusOr<int> AxisOf(const InferContext& context, int64_t fallback) {
  return NormalizeAxis(context.node().Get<int64_t>("axis", fallback), static_cast<int>(context.shape(0).size()));
}

// The elements of vectors end to end, where all are lists of known length.
void ConcatDimsValues(InferContext& context) {
  std::vector<Dim> result;
  for (int i = 0; i < context.num_inputs(); ++i) {
    const std::optional<std::vector<Dim>> value = context.dims_value(i);
    if (!value) return;
    result.insert(result.end(), value->begin(), value->end());
  }
  context.set_dims_value(0, std::move(result));
}

absl::Status InferConcat(InferContext& context) {
  RETURN_IF_ERROR(ExpectSameTypes(context));
  ASSIGN_OR_RETURN(const int axis, AxisOf(context, 0));
  PartialShape output = context.shape(0);
  for (int i = 1; i < context.num_inputs(); ++i) {
    const PartialShape& shape = context.shape(i);
    RETURN_IF_ERROR(ExpectRank(context, i, output.size()));
    for (size_t d = 0; d < shape.size(); ++d) {
      if (static_cast<int>(d) == axis) {
        output[d] = AddDims(output[d], shape[d]);
      } else if (!MayBeEqual(output[d], shape[d])) {
        return absl::InvalidArgumentError(absl::StrCat("input ", i, ": expected dimensions as ",
                                                       ToString(context.shape(0)), " has but for ", axis, ", got ",
                                                       ToString(shape)));
      } else {
        output[d] = Better(output[d], shape[d]);
      }
    }
  }
  if (output.size() == 1) ConcatDimsValues(context);
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// x, split
absl::Status InferSplit(InferContext& context) {
  const size_t outputs = context.node().outputs.size();
  const int64_t wanted = context.node().Get<int64_t>("num_outputs", static_cast<int64_t>(outputs));
  if (wanted != static_cast<int64_t>(outputs)) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute 'num_outputs': expected ", outputs, " as the node has, got ", wanted));
  }
  ASSIGN_OR_RETURN(const int axis, AxisOf(context, 0));
  PartialShape shape = context.shape(0);
  const Dim dim = std::exchange(shape[axis], Dim());
  for (size_t i = 0; i < outputs; ++i) context.set_output(static_cast<int>(i), context.dtype(0), shape);

  ASSIGN_OR_RETURN(std::optional<Ints> sizes, context.ConstantInts(1, "split"));
  if (!dim.known() && !sizes) return absl::OkStatus();
  int64_t total = 0;
  if (dim.known()) {
    total = dim.value();
  } else {
    for (const int64_t size : *sizes) total = AddDims(total, size < 0 ? Dim() : Dim(size)).value();
  }
  ASSIGN_OR_RETURN(sizes, ResolveSplit(total, sizes, outputs));
  for (size_t i = 0; i < outputs; ++i) {
    shape[axis] = (*sizes)[i];
    context.set_output(static_cast<int>(i), context.dtype(0), shape);
  }
  return absl::OkStatus();
}

// A slice of a vector whose elements are known as dimensions.
void SliceDimsValue(InferContext& context, const Ints& starts, const Ints& ends, const std::optional<Ints>& axes,
                    const std::optional<Ints>& steps) {
  const std::optional<std::vector<Dim>> value = context.dims_value(0);
  if (!value || context.shape(0).size() != 1) return;
  const absl::StatusOr<ResolvedSlice> slice =
      ResolveSlice({static_cast<int64_t>(value->size())}, starts, ends, axes, steps);
  if (!slice.ok()) return;
  std::vector<Dim> result;
  for (int64_t i = 0; i < slice->output[0]; ++i) result.push_back((*value)[slice->starts[0] + i * slice->steps[0]]);
  context.set_dims_value(0, std::move(result));
}

// x, starts, ends, axes, steps
absl::Status InferSlice(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  context.set_output(0, context.dtype(0), PartialShape(shape.size()));
  ASSIGN_OR_RETURN(const std::optional<Ints> starts, context.ConstantInts(1, "starts"));
  ASSIGN_OR_RETURN(const std::optional<Ints> ends, context.ConstantInts(2, "ends"));
  ASSIGN_OR_RETURN(const std::optional<Ints> axes, context.ConstantInts(3, "axes"));
  ASSIGN_OR_RETURN(const std::optional<Ints> steps, context.ConstantInts(4, "steps"));
  ASSIGN_OR_RETURN(PartialShape output, SliceOutput(shape, *starts, *ends, axes, steps));
  SliceDimsValue(context, *starts, *ends, axes, steps);
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// Elements of a vector that are known as dimensions, picked by constant indices.
void GatherDimsValue(InferContext& context) {
  const std::optional<std::vector<Dim>> value = context.dims_value(0);
  const Tensor* indices = context.constant(1);
  if (!value || indices == nullptr || context.shape(0).size() != 1) return;
  const int64_t size = static_cast<int64_t>(value->size());
  std::vector<Dim> result;
  const absl::StatusOr<Ints> ints = ToInt64s(*indices);
  if (!ints.ok()) return;
  for (const int64_t index : *ints) {
    if (index < -size || index >= size) return;  // the kernel says so when it runs
    result.push_back((*value)[index < 0 ? index + size : index]);
  }
  context.set_dims_value(0, std::move(result));
}

// data, indices
absl::Status InferGather(InferContext& context) {
  RETURN_IF_ERROR(ExpectIndices(context, 1));
  ASSIGN_OR_RETURN(const int axis, AxisOf(context, 0));
  const PartialShape& data = context.shape(0);
  const PartialShape& indices = context.shape(1);
  PartialShape output(data.begin(), data.begin() + axis);
  output.insert(output.end(), indices.begin(), indices.end());
  output.insert(output.end(), data.begin() + axis + 1, data.end());
  GatherDimsValue(context);
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// One dimension after padding (or cutting off, where pads are negative).
absl::StatusOr<Dim> PaddedDim(const Dim& dim, int64_t begin, int64_t end, const std::string& mode) {
  if (!dim.known()) return begin == 0 && end == 0 ? dim : Dim();
  const int64_t kept = dim.value() + std::min<int64_t>(begin, 0) + std::min<int64_t>(end, 0);
  if (kept < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("pads: expected to cut off at most ", dim.value(), ", got ", begin, " and ", end));
  }
  const int64_t furthest = std::max<int64_t>({begin, end, 0});
  if (furthest > 0 && ((mode == "reflect" && furthest >= kept) || (mode != "constant" && kept == 0))) {
    return absl::InvalidArgumentError(
        absl::StrCat("pads: expected what mode '", mode, "' can make of ", kept, " elements, got ", furthest));
  }
  return Dim(dim.value() + begin + end);
}

// x, pads, value, axes
absl::Status InferPad(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  context.set_output(0, context.dtype(0), PartialShape(shape.size()));
  if (context.has_input(2)) {
    RETURN_IF_ERROR(ExpectScalar(context, 2));
    if (context.dtype(2) != context.dtype(0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("value: expected ", NameOf(context.dtype(0)), ", got ", NameOf(context.dtype(2))));
    }
  }
  ASSIGN_OR_RETURN(const std::optional<Ints> pads, context.ConstantInts(1, "pads"));
  ASSIGN_OR_RETURN(const std::optional<Ints> axes, context.ConstantInts(3, "axes"));
  ASSIGN_OR_RETURN(const ResolvedPads resolved, ResolvePads(static_cast<int>(shape.size()), *pads, axes));
  const std::string mode = context.node().Get<std::string>("mode", "constant");
  PartialShape output;
  for (size_t d = 0; d < shape.size(); ++d) {
    ASSIGN_OR_RETURN(Dim dim, PaddedDim(shape[d], resolved.begin[d], resolved.end[d], mode));
    output.push_back(std::move(dim));
  }
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

}  // namespace

std::vector<Op> SliceOps() {
  return {
      {.name = "Concat",
       .max_inputs = Op::kVariadic,
       .attributes = {Required(IntAttribute("axis"))},
       .infer = InferConcat},
      {.name = "Gather", .min_inputs = 2, .max_inputs = 2, .attributes = {IntAttribute("axis")}, .infer = InferGather},
      {.name = "Pad",
       .min_inputs = 2,
       .max_inputs = 4,
       .attributes = {StringAttribute("mode", {"constant", "reflect", "edge", "wrap"})},
       .infer = InferPad},
      {.name = "Slice", .min_inputs = 3, .max_inputs = 5, .infer = InferSlice},
      {.name = "Split",
       .max_inputs = 2,
       .max_outputs = Op::kVariadic,
       .attributes = {IntAttribute("axis"), IntAttribute("num_outputs")},
       .infer = InferSplit},
  };
}

}  // namespace beak
