#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/initializers/fans.h"
#include "engine/initializers/initializer.h"
#include "engine/tensor/shape.h"

namespace beak {

enum class ParameterRole {
  kKernel,
  kBias,
  kGamma,       // the scale of a normalisation
  kBeta,        // the shift of a normalisation
  kMovingMean,  // running statistics: kept by the normalisation, never by the optimiser
  kMovingVariance,
  kSlope,  // of a PReLU
  kEmbedding,
};

// One parameter of a described network: a constant of the graph that has no bytes until it is initialised.
struct ParameterSpec {
  std::string name;  // of the value in the graph: "conv1/kernel"
  std::string layer;
  ParameterRole role = ParameterRole::kKernel;
  Shape shape;  // as ONNX has it: convolutions [out, in / groups, ...], transposed [in, out, ...], dense [out, in]
  int unit_axis = 0;        // the dimension of `shape` that counts units: max_norm holds for each index of it
  Fans fans;                // of the kernel of the layer, as the initialiser's flavour counts them
  Initializer initializer;  // with the defaults of the layer filled in
  double l1 = 0, l2 = 0;    // added to the loss: l1 * sum |w| + l2 * sum w^2
  double max_norm = 0;      // 0: none
  bool trainable = true;    // false for frozen layers, running statistics, and what a description turns off
  bool exclude_from_weight_decay = false;  // as the description says; never counts where nothing is trainable
};

// What the graph does not say of its Dropout nodes. The graph's are in inference mode.
struct DropoutSpec {
  std::string value;     // the node's output
  bool spatial = false;  // drops whole channels
};

// What the graph does not say of its BatchNormalization nodes, whose `momentum` is the weight of the old average.
struct BatchNormalizationSpec {
  std::string value;               // the node's output
  bool unbiased_variance = false;  // the running variance is n / (n - 1) times the batch's (PyTorch)
  bool trainable = true;           // false: running statistics in training too
};

// One layer as it came out, for people.
struct LayerSpec {
  std::string name;
  std::string kind;            // "conv2d"
  PartialShape output;         // the batch first
  int64_t num_parameters = 0;  // elements, running statistics included
};

// A network as its description tells it. The graph is one for inference, in the engine's dialect; its parameters have
// types and shapes, and bytes once somebody initialises them. A value type.
struct DescribedNetwork {
  Graph graph;
  std::vector<ParameterSpec> parameters;  // in the order of the layers
  std::vector<DropoutSpec> dropouts;
  std::vector<BatchNormalizationSpec> batch_normalizations;
  std::vector<LayerSpec> layers;  // in the order in which they are computed
};

}  // namespace beak
