#pragma once

#include <string>

#include "engine/base/status.h"
#include "engine/formats/beak/network_reader.h"
#include "proto/beak/v1/network.pb.h"
#include "tests/engine/support/run_graph.h"

namespace beak::testing {

inline absl::StatusOr<DescribedNetwork> BuildText(const std::string& text) {
  ASSIGN_OR_RETURN(const v1::Network description, ParseNetwork(text));
  return BuildNetwork(description);
}

// "conv1 [batch, 25, 26, 26] 250" for each layer.
inline std::string Summary(const DescribedNetwork& network) {
  std::string text;
  for (const LayerSpec& layer : network.layers) {
    absl::StrAppend(&text, layer.name, " ", ToString(layer.output), " ", layer.num_parameters, "\n");
  }
  return text;
}

inline const ParameterSpec* FindParameter(const DescribedNetwork& network, const std::string& name) {
  for (const ParameterSpec& spec : network.parameters) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

// Gives every parameter bytes: scales and variances 1, means and shifts 0, the rest small numbers that differ.
inline void Initialize(DescribedNetwork& network) {
  int seed = 0;
  for (const ParameterSpec& spec : network.parameters) {
    Tensor tensor = RandomTensor(spec.shape, ++seed);
    const bool one = spec.role == ParameterRole::kGamma || spec.role == ParameterRole::kMovingVariance;
    const bool random = spec.role == ParameterRole::kKernel || spec.role == ParameterRole::kEmbedding;
    const float scale = 1.0f / static_cast<float>(spec.fans.in);
    for (float& value : tensor.mutable_values<float>()) value = random ? value * scale : one ? 1.0f : 0.0f;
    network.graph.mutable_value(network.graph.FindValue(spec.name)).constant = std::move(tensor);
  }
}

}  // namespace beak::testing
