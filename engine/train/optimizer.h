#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/shape.h"
#include "engine/tensor/tensor.h"
#include "engine/train/optimizer_options.h"
#include "engine/train/state.h"
#include "engine/train/update_rules.h"

namespace beak {

// A trained tensor, as an optimiser has to know it before it sees its bytes.
struct ParameterInfo {
  std::string name;  // of its own among all
  Shape shape;
  bool weight_decay = true;  // false: excluded, as biases and the parameters of norms often are
};

// Its bytes for the length of a call: float32, which must not overlap.
struct ParameterBytes {
  std::span<float> values;
  std::span<const float> gradients;
};

// Moves parameters against their gradients and remembers what the formula needs for the next step (momenta, means of
// squares, ...). *Thread-compatible.*
class Optimizer {
 public:
  // INVALID_ARGUMENT with every wrong field, or where two parameters have one name; RESOURCE_EXHAUSTED for shapes
  // beyond the limits.
  static absl::StatusOr<std::unique_ptr<Optimizer>> Create(const OptimizerOptions& options,
                                                           std::vector<ParameterInfo> parameters);

  const OptimizerOptions& options() const { return options_; }
  int64_t steps() const { return steps_; }  // taken so far

  // One step of every parameter, in one pass over its bytes, on `threads` OpenMP threads: the same bits however many
  // there are. The learning rate is the caller's: a schedule's value for this step, or options().learning_rate.
  // REQUIRES: the parameters of Create, in its order, with as many elements; finite gradients (FirstNonFinite).
  void Step(double learning_rate, std::span<const ParameterBytes> parameters, int threads);

  // What a checkpoint needs: the tensor "<parameter>/<slot>" of each slot (SlotsOf names them), and the number "step".
  NamedState Export() const;
  // Takes over what Export gave, into tensors of its own. INVALID_ARGUMENT, and nothing changes, where an entry is
  // missing, too many, or of another shape.
  absl::Status Import(const NamedState& state);

 private:
  struct Parameter {
    ParameterInfo info;
    size_t count = 0;           // elements
    std::vector<Tensor> slots;  // in the order of SlotsOf
  };

  explicit Optimizer(const OptimizerOptions& options) : options_(options), slots_(SlotsOf(options)) {}

  // Updates elements begin .. end-1 of all parameters laid end to end.
  void StepRange(double learning_rate, std::span<const ParameterBytes> bytes, size_t begin, size_t end);

  const OptimizerOptions options_;
  const std::vector<Slot> slots_;
  std::vector<Parameter> parameters_;
  size_t total_ = 0;  // elements of all
  int64_t steps_ = 0;
};

}  // namespace beak
