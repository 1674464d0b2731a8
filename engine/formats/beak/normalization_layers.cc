#include <numeric>
#include <utility>

#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

constexpr double kKerasEpsilon = 1e-3, kPytorchEpsilon = 1e-5;
constexpr double kKerasMomentum = 0.99, kPytorchMomentum = 0.1;

// gamma and beta, one number a channel; one that is not wanted keeps the value that it begins with.
template <typename Layer>
absl::StatusOr<std::pair<ValueId, ValueId>> AddGammaAndBeta(const Layer& layer, int64_t channels,
                                                            LayerBuilder& builder) {
  ParameterRequest gamma = {"gamma", ParameterRole::kGamma, {channels}, layer.gamma(), ConstantInit{1}};
  ParameterRequest beta = {"beta", ParameterRole::kBeta, {channels}, layer.beta(), ConstantInit{0}};
  gamma.learned = !layer.has_scale() || layer.scale();
  beta.learned = !layer.has_center() || layer.center();
  ASSIGN_OR_RETURN(const ValueId gamma_id, builder.AddParameter(gamma));
  ASSIGN_OR_RETURN(const ValueId beta_id, builder.AddParameter(beta));
  return std::pair(gamma_id, beta_id);
}

// The same with the channels last, or back from there.
ValueId MoveChannels(ValueId x, size_t rank, bool last, LayerBuilder& builder) {
  Ints perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  perm.erase(perm.begin() + (last ? 1 : static_cast<std::ptrdiff_t>(rank) - 1));
  perm.insert(last ? perm.end() : perm.begin() + 1, last ? 1 : static_cast<int64_t>(rank) - 1);
  return builder.Emit("Transpose", {x}, {{"perm", std::move(perm)}});
}

}  // namespace

absl::StatusOr<ValueId> Build(const v1::BatchNormalization& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  const bool pytorch = layer.convention() == v1::BatchNormalization::PYTORCH;
  const double momentum = layer.has_momentum() ? layer.momentum() : pytorch ? kPytorchMomentum : kKerasMomentum;
  const double epsilon = layer.has_epsilon() ? layer.epsilon() : pytorch ? kPytorchEpsilon : kKerasEpsilon;
  ASSIGN_OR_RETURN(const auto learned, AddGammaAndBeta(layer, channels, builder));
  const v1::Parameter none;
  ParameterRequest statistic = {"moving_mean", ParameterRole::kMovingMean, {channels}, none, ConstantInit{0}};
  statistic.learned = false;
  ASSIGN_OR_RETURN(const ValueId mean, builder.AddParameter(statistic));
  statistic.what = "moving_variance";
  statistic.role = ParameterRole::kMovingVariance;
  statistic.fallback = ConstantInit{1};
  ASSIGN_OR_RETURN(const ValueId variance, builder.AddParameter(statistic));
  builder.AddBatchNormalization(/*unbiased_variance=*/pytorch);
  // ONNX's momentum is the weight of the old average, as Keras'.
  return builder.Emit(
      "BatchNormalization", {builder.input(), learned.first, learned.second, mean, variance},
      {{"epsilon", static_cast<float>(epsilon)}, {"momentum", static_cast<float>(pytorch ? 1 - momentum : momentum)}});
}

absl::StatusOr<ValueId> Build(const v1::LayerNormalization& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(const auto learned, AddGammaAndBeta(layer, channels, builder));
  const double epsilon = layer.has_epsilon() ? layer.epsilon() : kKerasEpsilon;
  const size_t rank = builder.shape().size();
  const ValueId x = rank > 2 ? MoveChannels(builder.input(), rank, true, builder) : builder.input();
  const ValueId y = builder.Emit("LayerNormalization", {x, learned.first, learned.second},
                                 {{"axis", int64_t{-1}}, {"epsilon", static_cast<float>(epsilon)}});
  return rank > 2 ? MoveChannels(y, rank, false, builder) : y;
}

}  // namespace beak::network_format
