#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

// x [N, C, d...] and vectors [C].
absl::Status InferChannelNorm(InferContext& context, size_t min_rank) {
  for (int i = 0; i < context.num_inputs(); ++i) RETURN_IF_ERROR(ExpectFloat(context, i));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 0, min_rank));
  for (int i = 1; i < context.num_inputs(); ++i) RETURN_IF_ERROR(ExpectVector(context, i, context.shape(0)[1]));
  return InferAsInput(context);
}

// Scale, bias, mean and variance may be of another float type than x.
absl::Status InferBatchNormalization(InferContext& context) { return InferChannelNorm(context, 2); }

absl::Status InferInstanceNormalization(InferContext& context) {
  RETURN_IF_ERROR(ExpectSameTypes(context));
  return InferChannelNorm(context, 3);
}

// x, scale, bias -> y of x's shape, and the mean and the inverse deviation of what was normalised together: x's
// dimensions from `axis` on.
absl::Status InferLayerNormalization(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  const PartialShape& shape = context.shape(0);
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(context.node().Get<int64_t>("axis", -1), static_cast<int>(shape.size())));
  const PartialShape normalized(shape.begin() + axis, shape.end());
  for (int i = 1; i < context.num_inputs(); ++i) {
    if (!context.has_input(i) || BroadcastsTo(context.shape(i), normalized)) continue;
    return absl::InvalidArgumentError(absl::StrCat("input ", i, ": expected a shape that broadcasts to ",
                                                   ToString(normalized), ", got ", ToString(context.shape(i))));
  }
  PartialShape statistics = shape;
  std::fill(statistics.begin() + axis, statistics.end(), Dim(1));
  context.set_output(1, DType::kFloat32, statistics);
  context.set_output(2, DType::kFloat32, std::move(statistics));
  return InferAsInput(context);
}

absl::Status InferLrn(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 0, 2));
  const int64_t size = context.node().Get<int64_t>("size", 0);
  if (size < 1) return absl::InvalidArgumentError(absl::StrCat("attribute 'size': expected 1 or more, got ", size));
  return InferAsInput(context);
}

}  // namespace

std::vector<Op> NormOps() {
  return {
      {.name = "BatchNormalization",
       .min_inputs = 5,
       .max_inputs = 5,
       .attributes = {FloatAttribute("epsilon"), FloatAttribute("momentum")},
       .infer = InferBatchNormalization},
      {.name = "InstanceNormalization",
       .min_inputs = 3,
       .max_inputs = 3,
       .attributes = {FloatAttribute("epsilon")},
       .infer = InferInstanceNormalization},
      {.name = "LayerNormalization",
       .min_inputs = 2,
       .max_inputs = 3,
       .max_outputs = 3,
       .attributes = {IntAttribute("axis"), FloatAttribute("epsilon"), IntAttribute("stash_type")},
       .infer = InferLayerNormalization},
      {.name = "LRN",
       .attributes = {FloatAttribute("alpha"), FloatAttribute("beta"), FloatAttribute("bias"),
                      Required(IntAttribute("size"))},
       .infer = InferLrn},
  };
}

}  // namespace beak
