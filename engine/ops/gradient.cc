#include "engine/ops/gradient.h"

#include <unordered_map>

#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

constexpr auto kFamilies = {ConvGradients, ElementwiseGradients, GemmGradients,   LossGradients,
                            NormGradients, PoolGradients,        ReduceGradients, ShapeGradients};

std::vector<GradientEntry> ListGradients() {
  std::vector<GradientEntry> entries;
  for (const auto family : kFamilies) {
    for (const GradientEntry& entry : family()) entries.push_back(entry);
  }
  return entries;
}

std::unordered_map<std::string, GradientRule> IndexGradients() {
  std::unordered_map<std::string, GradientRule> index;
  for (const GradientEntry& entry : AllGradients()) index.emplace(entry.op, entry.rule);
  return index;
}

}  // namespace

const std::vector<GradientEntry>& AllGradients() {
  static const auto* const entries = new std::vector<GradientEntry>(ListGradients());
  return *entries;
}

GradientRule FindGradient(const std::string& op) {
  static const auto* const index = new std::unordered_map<std::string, GradientRule>(IndexGradients());
  const auto it = index->find(op);
  return it == index->end() ? nullptr : it->second;
}

// ---------------------------------------------------------------- what rules share

ValueId EmitInts(GradientContext& context, const std::vector<int64_t>& values) {
  return context.Constant(Tensor::Of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

ValueId EmitScalar(GradientContext& context, DType dtype, double value) {
  return context.Constant(dtype == DType::kFloat64 ? Tensor::Scalar(value) : Tensor::Scalar(static_cast<float>(value)));
}

ValueId EmitScaled(GradientContext& context, ValueId x, DType dtype, double factor) {
  return factor == 1 ? x : context.Emit("Mul", {x, EmitScalar(context, dtype, factor)});
}

ValueId EmitReshape(GradientContext& context, ValueId x, const Shape& shape) {
  return context.Emit("Reshape", {x, EmitInts(context, shape)});
}

ValueId EmitTransposed(GradientContext& context, ValueId x, size_t rank) {
  std::vector<int64_t> perm;
  for (size_t i = 0; i < rank; ++i) perm.push_back(static_cast<int64_t>(i));
  std::swap(perm[rank - 1], perm[rank - 2]);
  return context.Emit("Transpose", {x}, {{"perm", perm}});
}

ValueId EmitSum(GradientContext& context, ValueId x, const std::vector<int64_t>& axes, bool keep) {
  return context.Emit("ReduceSum", {x, EmitInts(context, axes)}, {{"keepdims", int64_t{keep}}});
}

ValueId EmitSumTo(GradientContext& context, ValueId x, const Shape& from, const Shape& to) {
  if (from == to) return x;
  const size_t missing = from.size() - to.size();
  std::vector<int64_t> axes;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i < missing || to[i - missing] != from[i]) axes.push_back(static_cast<int64_t>(i));
  }
  if (!axes.empty()) x = EmitSum(context, x, axes, true);
  return missing == 0 ? x : EmitReshape(context, x, to);
}

void GiveBroadcast(GradientContext& context, size_t i, ValueId x) {
  context.Give(i, EmitSumTo(context, x, context.shape(context.output()), context.shape(context.input(i))));
}

}  // namespace beak
