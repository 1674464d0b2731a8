#include "engine/tools/described_training.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/train/initializer.h"

namespace beak {
namespace {

Flavour FlavourOf(const InitializerSpec& spec) {
  return spec.flavour == InitializerSpec::Flavour::kKeras ? Flavour::kKeras : Flavour::kPyTorch;
}

// `gain` is a factor on the width, so its square one on the variance.
Initializer Scaled(ScaledInit init, double gain) {
  init.scale *= gain * gain;
  return init;
}

Initializer InitializerOf(const InitializerSpec& spec) {
  using Kind = InitializerSpec::Kind;
  switch (spec.kind) {
    case Kind::kConstant:
      return ConstantInit{spec.value};
    case Kind::kUniform:
      return UniformInit{spec.min, spec.max};
    case Kind::kNormal:
      return NormalInit{spec.mean, spec.stddev};
    case Kind::kTruncatedNormal:
      return TruncatedNormalInit{spec.mean, spec.stddev};
    case Kind::kGlorotUniform:
      return GlorotUniform(spec.gain);
    case Kind::kGlorotNormal:
      return GlorotNormal(FlavourOf(spec), spec.gain);
    case Kind::kHeUniform:
      return Scaled(HeUniform(), spec.gain);
    case Kind::kHeNormal:
      return Scaled(HeNormal(FlavourOf(spec)), spec.gain);
    case Kind::kLecunUniform:
      return Scaled(LecunUniform(), spec.gain);
    case Kind::kLecunNormal:
      return Scaled(LecunNormal(), spec.gain);
    case Kind::kOrthogonal:
      break;
  }
  return OrthogonalInit{spec.gain};
}

}  // namespace

absl::Status InitializeParameters(uint64_t seed, DescribedNetwork& network) {
  for (const ParameterSpec& spec : network.parameters) {
    const Initializer initializer = InitializerOf(spec.initializer);
    if (const std::vector<std::string> wrong = Validate(initializer); !wrong.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter '", spec.name, "': initialiser: ", absl::StrJoin(wrong, "; ")));
    }
    ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DType::kFloat32, spec.shape));
    const Fans fans = {static_cast<double>(spec.fan_in), static_cast<double>(spec.fan_out)};
    Initialize(initializer, fans, spec.shape, seed, spec.name, tensor.mutable_values<float>());
    network.graph.mutable_value(network.graph.FindValue(spec.name)).constant = std::move(tensor);
  }
  return absl::OkStatus();
}

void TakeDescribedOptions(const DescribedNetwork& network, TrainerOptions& options) {
  for (const ParameterSpec& spec : network.parameters) {
    const bool statistic = spec.role == ParameterRole::kMovingMean || spec.role == ParameterRole::kMovingVariance;
    if (!spec.trainable && !statistic) options.training.frozen.insert(spec.name);
    if (!spec.trainable) continue;
    if (spec.l1 > 0 || spec.l2 > 0) options.penalties[spec.name] = {spec.l1, spec.l2};
    if (spec.max_norm > 0) options.unit_norms[spec.name] = {spec.max_norm, spec.unit_axis};
    if (spec.exclude_from_weight_decay) options.without_weight_decay.insert(spec.name);
  }
  for (const DropoutSpec& dropout : network.dropouts) {
    if (dropout.spatial) options.training.spatial_dropouts.insert(dropout.value);
  }
  std::map<std::string, const BatchNormalizationSpec*> norms;
  for (const BatchNormalizationSpec& spec : network.batch_normalizations) norms.emplace(spec.value, &spec);
  for (const Node& node : network.graph.nodes()) {
    if (node.op != "BatchNormalization") continue;
    const std::string& result = network.graph.NameOfValue(node.outputs[0]);
    const auto found = norms.find(result);
    BEAK_CHECK(found != norms.end());  // each layer has said what its node does not
    const BatchNormalizationSpec& spec = *found->second;
    if (spec.trainable) options.training.batch_statistics.insert(result);
    if (spec.unbiased_variance) options.unbiased_variances.insert(network.graph.NameOfValue(node.inputs[4]));
  }
}

}  // namespace beak
