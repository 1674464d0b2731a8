#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

absl::Status SoftmaxCrossEntropy(GradientContext& context) {
  std::vector<ValueId> inputs = {context.gradient()};
  for (const ValueId input : context.node().inputs) inputs.push_back(input);
  context.Give(0, context.Emit("SoftmaxCrossEntropyGradient", std::move(inputs), context.node().attributes));
  return absl::OkStatus();
}

// The same elements are dropped again: which, follows from the seed.
absl::Status DropoutTraining(GradientContext& context) {
  context.Give(0, context.Emit("DropoutTraining", {context.gradient(), context.input(1)}, context.node().attributes));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> LossGradients() {
  return {{"DropoutTraining", DropoutTraining}, {"SoftmaxCrossEntropy", SoftmaxCrossEntropy}};
}

}  // namespace beak
