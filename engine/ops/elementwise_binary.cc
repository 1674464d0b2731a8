#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/dims.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

// The shape that all inputs from `first` on broadcast to.
absl::StatusOr<PartialShape> BroadcastInputs(const InferContext& context, int first = 0) {
  PartialShape shape = context.shape(first);
  for (int i = first + 1; i < context.num_inputs(); ++i) {
    ASSIGN_OR_RETURN(shape, BroadcastDims(shape, context.shape(i)));
  }
  return shape;
}

absl::Status InferVariadic(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  ASSIGN_OR_RETURN(PartialShape output, BroadcastInputs(context));
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// Arithmetic, which also works on whole numbers that were computed from shapes.
template <Dim (*compute)(const Dim&, const Dim&)>
absl::Status InferArithmetic(InferContext& context) {
  RETURN_IF_ERROR(InferVariadic(context));
  if (context.shape(0).size() > 1 || context.shape(1).size() > 1) return absl::OkStatus();
  const std::optional<std::vector<Dim>> a = context.dims_value(0);
  const std::optional<std::vector<Dim>> b = context.dims_value(1);
  if (!a || !b || a->empty() || b->empty()) return absl::OkStatus();
  if (a->size() != b->size() && a->size() != 1 && b->size() != 1) return absl::OkStatus();
  std::vector<Dim> result(std::max(a->size(), b->size()));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = compute((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]);
  }
  context.set_dims_value(0, std::move(result));
  return absl::OkStatus();
}

absl::Status InferEqual(InferContext& context) {
  RETURN_IF_ERROR(ExpectSameTypes(context));
  ASSIGN_OR_RETURN(PartialShape output, BroadcastInputs(context));
  context.set_output(0, DType::kBool, std::move(output));
  return absl::OkStatus();
}

// The exponent may be of another type than the base, whose type the result has.
absl::Status InferPow(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  RETURN_IF_ERROR(ExpectNumber(context, 1));
  ASSIGN_OR_RETURN(PartialShape output, BroadcastInputs(context));
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// x, slope: the slope broadcasts to x, never the other way round.
absl::Status InferPRelu(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  if (!BroadcastsTo(context.shape(1), context.shape(0))) {
    return absl::InvalidArgumentError(absl::StrCat("slope: expected a shape that broadcasts to ",
                                                   ToString(context.shape(0)), ", got ", ToString(context.shape(1))));
  }
  return InferAsInput(context);
}

// condition ? x : y
absl::Status InferWhere(InferContext& context) {
  if (context.dtype(0) != DType::kBool) {
    return absl::InvalidArgumentError(absl::StrCat("condition: expected bool, got ", NameOf(context.dtype(0))));
  }
  RETURN_IF_ERROR(ExpectSameTypes(context, 1));
  ASSIGN_OR_RETURN(PartialShape output, BroadcastInputs(context));
  context.set_output(0, context.dtype(1), std::move(output));
  return absl::OkStatus();
}

Op Binary(const char* name, ShapeRule infer) {
  return {.name = name, .min_inputs = 2, .max_inputs = 2, .infer = infer};
}

Op Variadic(const char* name) { return {.name = name, .max_inputs = Op::kVariadic, .infer = InferVariadic}; }

}  // namespace

std::vector<Op> ElementwiseBinaryOps() {
  return {
      Binary("Add", InferArithmetic<AddDims>),
      Binary("Div", InferArithmetic<DivideDims>),
      Binary("Equal", InferEqual),
      Variadic("Max"),
      Variadic("Mean"),
      Variadic("Min"),
      Binary("Mul", InferArithmetic<MultiplyDims>),
      Binary("Pow", InferPow),
      Binary("PRelu", InferPRelu),
      Binary("Sub", InferArithmetic<SubtractDims>),
      Variadic("Sum"),
      {.name = "Where", .min_inputs = 3, .max_inputs = 3, .infer = InferWhere},
  };
}

}  // namespace beak
