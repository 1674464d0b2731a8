#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/axes.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

// The shape without the given axes, which stay as 1 where they are kept.
PartialShape Reduced(const PartialShape& shape, const std::vector<int>& axes, bool keep) {
  std::vector<bool> reduced(shape.size());
  for (const int axis : axes) reduced[axis] = true;
  PartialShape output;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!reduced[i]) {
      output.push_back(shape[i]);
    } else if (keep) {
      output.push_back(1);
    }
  }
  return output;
}

// x, axes
absl::Status InferReduce(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  const bool keep = context.node().Get<int64_t>("keepdims", 1) != 0;
  if (keep) context.set_output(0, context.dtype(0), PartialShape(shape.size()));
  ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> listed, context.ConstantInts(1, "axes"));
  ASSIGN_OR_RETURN(const std::vector<int> axes,
                   ResolveReduceAxes(context.node(), listed, static_cast<int>(shape.size())));
  context.set_output(0, context.dtype(0), Reduced(shape, axes, keep));
  return absl::OkStatus();
}

absl::Status InferReduceNumbers(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  return InferReduce(context);
}

absl::Status InferArgMax(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  const PartialShape& shape = context.shape(0);
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(context.node().Get<int64_t>("axis", 0), static_cast<int>(shape.size())));
  if (shape[axis].known() && shape[axis].value() == 0) {
    return absl::InvalidArgumentError("axis: expected at least one element, got none");
  }
  const bool keep = context.node().Get<int64_t>("keepdims", 1) != 0;
  context.set_output(0, DType::kInt64, Reduced(shape, {axis}, keep));
  return absl::OkStatus();
}

absl::Status InferSoftmax(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  const int rank = static_cast<int>(context.shape(0).size());
  RETURN_IF_ERROR(NormalizeAxis(context.node().Get<int64_t>("axis", -1), rank).status());
  return InferAsInput(context);
}

Op Reduce(const char* name, ShapeRule infer) {
  return {.name = name,
          .max_inputs = 2,
          .attributes = {IntAttribute("keepdims"), IntAttribute("noop_with_empty_axes")},
          .infer = infer};
}

}  // namespace

std::vector<Op> ReduceOps() {
  return {
      {.name = "ArgMax",
       .attributes = {IntAttribute("axis"), IntAttribute("keepdims"), IntAttribute("select_last_index")},
       .infer = InferArgMax},
      {.name = "LogSoftmax", .attributes = {IntAttribute("axis")}, .infer = InferSoftmax},
      Reduce("ReduceMax", InferReduce),
      Reduce("ReduceMean", InferReduceNumbers),
      Reduce("ReduceSum", InferReduceNumbers),
      {.name = "Softmax", .attributes = {IntAttribute("axis")}, .infer = InferSoftmax},
  };
}

}  // namespace beak
