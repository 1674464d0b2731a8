#include "engine/job/described_training.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/initializers/initializer.h"

namespace beak {

absl::Status InitializeParameters(uint64_t seed, DescribedNetwork& network) {
  for (const ParameterSpec& spec : network.parameters) {
    if (const std::vector<std::string> wrong = Validate(spec.initializer); !wrong.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter '", spec.name, "': initialiser: ", absl::StrJoin(wrong, "; ")));
    }
    ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DType::kFloat32, spec.shape));
    Initialize(spec.initializer, spec.fans, spec.shape, seed, spec.name, tensor.mutable_values<float>());
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
