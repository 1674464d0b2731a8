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
      {.name = "LRN",
       .attributes = {FloatAttribute("alpha"), FloatAttribute("beta"), FloatAttribute("bias"),
                      Required(IntAttribute("size"))},
       .infer = InferLrn},
  };
}

}  // namespace beak
