#include "engine/base/status.h"
#include "engine/ops/rule.h"
#include "engine/ops/window.h"

namespace beak {
namespace {

std::vector<AttributeSpec> PoolAttributes(const std::vector<AttributeSpec>& more) {
  return Concatenate({StringAttribute("auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}),
                      IntAttribute("ceil_mode"), IntsAttribute("dilations"), Required(IntsAttribute("kernel_shape")),
                      IntsAttribute("pads"), IntsAttribute("strides")},
                     more);
}

// x [N, C, d...] -> [N, C, d...]; MaxPool's second output is the index of each maximum.
absl::Status InferPool(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  const PartialShape& input = context.shape(0);
  ASSIGN_OR_RETURN(const std::vector<Dim> spatial, PoolOutput(context.node(), input));
  PartialShape output = {input[0], input[1]};
  output.insert(output.end(), spatial.begin(), spatial.end());
  context.set_output(0, context.dtype(0), output);
  context.set_output(1, DType::kInt64, output);
  return absl::OkStatus();
}

absl::Status InferAveragePool(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  return InferPool(context);
}

// x [N, C, d...] -> [N, C, 1...]
absl::Status InferGlobalPool(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 0, 3));
  PartialShape output(context.shape(0).size(), Dim(1));
  output[0] = context.shape(0)[0];
  output[1] = context.shape(0)[1];
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

}  // namespace

std::vector<Op> PoolOps() {
  return {
      {.name = "MaxPool",
       .max_outputs = 2,
       .attributes = PoolAttributes({IntAttribute("storage_order")}),
       .infer = InferPool},
      {.name = "AveragePool",
       .attributes = PoolAttributes({IntAttribute("count_include_pad")}),
       .infer = InferAveragePool},
      {.name = "GlobalAveragePool", .infer = InferGlobalPool},
      {.name = "GlobalMaxPool", .infer = InferGlobalPool},
  };
}

}  // namespace beak
