#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/checked.h"
#include "engine/base/status.h"
#include "engine/ops/dims.h"
#include "engine/ops/rule.h"
#include "engine/ops/window.h"

namespace beak {
namespace {

std::vector<AttributeSpec> ConvAttributes() {
  return {StringAttribute("auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}),
          IntsAttribute("dilations"),
          IntAttribute("group"),
          IntsAttribute("kernel_shape"),
          IntsAttribute("pads"),
          IntsAttribute("strides")};
}

// The number of groups, which must divide the outermost dimension of the weights.
absl::StatusOr<int64_t> GroupsOf(const InferContext& context) {
  const int64_t group = context.node().Get<int64_t>("group", 1);
  const Dim& channels = context.shape(1)[0];
  if (group >= 1 && (!channels.known() || channels.value() % group == 0)) return group;
  return absl::InvalidArgumentError(absl::StrCat("attribute 'group': expected a divisor of the weights' channels ",
                                                 ToString(PartialShape{channels}), ", got ", group));
}

// dim * group, unknown where dim is.
absl::StatusOr<Dim> TimesGroups(const Dim& dim, int64_t group) {
  if (!dim.known()) return Dim();
  const std::optional<int64_t> product = CheckedMul(dim.value(), group);
  if (!product) return absl::InvalidArgumentError(absl::StrCat("attribute 'group': expected fewer, got ", group));
  return Dim(*product);
}

absl::Status ExpectChannels(const InferContext& context, const Dim& expected) {
  const Dim& got = context.shape(0)[1];
  if (MayBeEqual(got, expected)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("channels: expected ", expected.value(), " as the weights ",
                                                 ToString(context.shape(1)), " have, got ",
                                                 ToString(context.shape(0))));
}

PartialShape ShapeOf(const Dim& batch, const Dim& channels, const std::vector<Dim>& spatial) {
  PartialShape shape = {batch, channels};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

// x [N, C, d...], weights [M, C/group, k...], bias [M] -> [N, M, d...]
absl::StatusOr<PartialShape> ConvShape(const InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  const PartialShape& input = context.shape(0);
  const PartialShape& weights = context.shape(1);
  ASSIGN_OR_RETURN(const std::vector<Dim> spatial, ConvOutput(context.node(), input, weights));
  ASSIGN_OR_RETURN(const int64_t group, GroupsOf(context));
  ASSIGN_OR_RETURN(const Dim channels, TimesGroups(weights[1], group));
  RETURN_IF_ERROR(ExpectChannels(context, channels));
  if (context.has_input(2)) RETURN_IF_ERROR(ExpectVector(context, 2, weights[0]));
  return ShapeOf(input[0], weights[0], spatial);
}

absl::Status InferConv(InferContext& context) {
  ASSIGN_OR_RETURN(PartialShape output, ConvShape(context));
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// With a residual of the output's shape that is added before the activation.
absl::Status InferFusedConv(InferContext& context) {
  ASSIGN_OR_RETURN(PartialShape output, ConvShape(context));
  if (context.has_input(3)) RETURN_IF_ERROR(ExpectResidual(context, 3, output));
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

// x [N, C, d...], weights [C, M/group, k...], bias [M] -> [N, M, d...]
absl::Status InferConvTranspose(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  const PartialShape& input = context.shape(0);
  const PartialShape& weights = context.shape(1);
  ASSIGN_OR_RETURN(const std::vector<Dim> spatial, ConvTransposeOutput(context.node(), input, weights));
  RETURN_IF_ERROR(ExpectChannels(context, weights[0]));
  ASSIGN_OR_RETURN(const int64_t group, GroupsOf(context));
  ASSIGN_OR_RETURN(const Dim channels, TimesGroups(weights[1], group));
  if (context.has_input(2)) RETURN_IF_ERROR(ExpectVector(context, 2, channels));
  context.set_output(0, context.dtype(0), ShapeOf(input[0], channels, spatial));
  return absl::OkStatus();
}

}  // namespace

std::vector<Op> ConvOps() {
  return {
      {.name = "Conv", .min_inputs = 2, .max_inputs = 3, .attributes = ConvAttributes(), .infer = InferConv},
      {.name = "ConvTranspose",
       .min_inputs = 2,
       .max_inputs = 3,
       .attributes = Concatenate(ConvAttributes(), {IntsAttribute("output_padding"), IntsAttribute("output_shape")}),
       .infer = InferConvTranspose},
      {.name = "FusedConv",
       .min_inputs = 2,
       .max_inputs = 4,
       .attributes = Concatenate(ConvAttributes(), ActivationAttributes()),
       .infer = InferFusedConv,
       .internal = true},
  };
}

}  // namespace beak
