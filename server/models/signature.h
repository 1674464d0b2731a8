#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/engine.h"

namespace inference {
class ModelConfig;
}

namespace beak {

inline constexpr int64_t kFreeDim = -1;

// One tensor of a served model. Sizes leave out the batch dimension where the model is batched; kFreeDim is free.
struct TensorSignature {
  std::string name;
  DType dtype = DType::kFloat32;
  std::vector<int64_t> dims;          // as clients see it
  std::vector<int64_t> network_dims;  // as the network sees it: differs only where the configuration reshapes
  int network_index = 0;              // among the network's inputs or outputs
  std::vector<std::string> labels;    // of an output; empty where the configuration names none
};

// What a served model takes and gives. *Immutable* once it is part of a ModelVersion.
struct Signature {
  int max_batch_size = 0;                // rows of one request; 0: there is no batch dimension
  std::vector<TensorSignature> inputs;   // all of the network's, in its order
  std::vector<TensorSignature> outputs;  // those that are served, in the configuration's order

  bool batched() const { return max_batch_size > 0; }
};

// The signature that a completed configuration gives a network; labels are left empty. REQUIRES: CompleteConfig made
// `config` from the same inputs and outputs.
Signature MakeSignature(const inference::ModelConfig& config, const std::vector<TensorSpec>& inputs,
                        const std::vector<TensorSpec>& outputs);

// A shape as the network sees it -> as clients do, or the other way round: the i-th free dimension of `to` has the size
// of the i-th free one of `from`. `shape` and the result are without the batch dimension. REQUIRES: `shape` fits
// `from`.
std::vector<int64_t> MapDims(const std::vector<int64_t>& shape, const std::vector<int64_t>& from,
                             const std::vector<int64_t>& to);

}  // namespace beak
