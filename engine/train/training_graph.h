#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// What is asked of one output of a network in training.
struct Loss {
  enum class Kind {
    kSoftmaxCrossEntropy,  // of logits, or of what a Softmax makes of them; targets are class numbers
    kBinaryCrossEntropy,   // of logits, or of what a Sigmoid makes of them; targets are floats in [0, 1]
    kMeanSquaredError,     // targets are floats
  };

  std::string output;
  Kind kind = Kind::kSoftmaxCrossEntropy;
  double weight = 1;  // in the sum of all losses
  // Of softmax cross-entropy alone.
  float label_smoothing = 0;
  std::vector<float> class_weights = {};  // empty: all 1
  std::optional<int64_t> ignore_index = {};
};

// A constant of a network that training changes.
struct Parameter {
  std::string name;  // the constant's
  Shape shape;
};

// The statistics that a batch normalisation keeps for inference: constants of the network, updated from each batch.
struct RunningStatistics {
  std::string mean;  // the constants' names
  std::string variance;
  float momentum = 0.9f;  // the weight of the old value
  int64_t count = 1;      // elements that each of a batch's statistics is computed from
};

struct TrainingOptions {
  std::vector<Loss> losses;
  // Constants that keep their values. A batch normalisation whose scale is among them runs with its kept statistics.
  std::set<std::string> frozen = {};
  // Results of batch normalisations that take the statistics of each batch though their scale is frozen.
  std::set<std::string> batch_statistics = {};
  // Results of Dropout nodes that drop whole channels of a sample.
  std::set<std::string> spatial_dropouts = {};
};

// One step of training as a graph: the losses of a batch and their gradients by each parameter.
//
// Inputs: those of the network; one target a loss; the seed of the step (int64, one element), which dropout follows
// from; the parameters. Outputs: the sum of all losses; each of the network's outputs that has a loss, as it is without
// training's softmax or sigmoid; the gradients of the parameters; mean and variance of each running statistic.
struct TrainingGraph {
  Graph graph;
  size_t network_inputs = 0;
  std::vector<Parameter> parameters;
  std::vector<RunningStatistics> statistics;
  size_t losses = 0;

  size_t target_input(size_t loss) const { return network_inputs + loss; }
  size_t seed_input() const { return network_inputs + losses; }
  size_t parameter_input(size_t parameter) const { return seed_input() + 1 + parameter; }
  static size_t loss_output() { return 0; }
  size_t prediction_output(size_t loss) const { return 1 + loss; }
  size_t gradient_output(size_t parameter) const { return 1 + losses + parameter; }
  size_t mean_output(size_t statistic) const { return 1 + losses + parameters.size() + 2 * statistic; }
  size_t variance_output(size_t statistic) const { return mean_output(statistic) + 1; }
};

// The constants of a network that can be trained: float weights, biases, scales, slopes and embeddings, in the order in
// which nodes use them; not the statistics of batch normalisations.
std::vector<Parameter> FindParameters(const Graph& network);

// Makes the training graph of a network for inputs of the given shapes. `network` is one whose batch normalisations and
// dropouts are nodes still. INVALID_ARGUMENT for a loss that does not fit its output, UNIMPLEMENTED for a node that has
// no gradient, each naming its place.
absl::StatusOr<TrainingGraph> MakeTrainingGraph(const Graph& network, const std::vector<Shape>& input_shapes,
                                                const TrainingOptions& options);

// The network as it is served, with its losses: a training graph without seed, parameters, gradients and statistics.
absl::StatusOr<Graph> MakeEvaluationGraph(const Graph& network, const std::vector<Shape>& input_shapes,
                                          const std::vector<Loss>& losses);

}  // namespace beak
