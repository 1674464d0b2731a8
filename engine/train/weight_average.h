#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/train/optimizer.h"
#include "engine/train/state.h"

namespace beak {

// A value type.
struct WeightAverageOptions {
  double decay = 0.999;  // weight of the old average, Keras' ema_momentum
  // Divides by the sum of the weights, 1 - decay^t, as Adam does: the first averages are then means of what has been
  // seen, and not mostly the first weights.
  bool correct_bias = false;
};

// Every field that is wrong, named.
std::vector<std::string> Validate(const WeightAverageOptions& options);

// An exponential moving average of all weights: avg = decay * avg + (1 - decay) * w after each step, beginning with a
// copy of the weights after the first. In float32. *Thread-compatible.*
class WeightAverage {
 public:
  // INVALID_ARGUMENT with every wrong field; RESOURCE_EXHAUSTED for shapes beyond the limits.
  static absl::StatusOr<std::unique_ptr<WeightAverage>> Create(const WeightAverageOptions& options,
                                                               std::vector<ParameterInfo> parameters);

  int64_t updates() const { return updates_; }

  // Takes in the weights after another step. REQUIRES: the parameters of Create, in its order and sizes.
  void Update(std::span<const std::span<const float>> weights);

  // The average of parameter `i`; zeros before the first update.
  std::span<const float> average(size_t i) const { return averages_[i].values<float>(); }
  const Tensor& tensor(size_t i) const { return averages_[i]; }  // the same

  // The tensor "<parameter>/average" of each parameter, and the number "updates".
  NamedState Export() const;
  // INVALID_ARGUMENT, and nothing changes, for what Export cannot have given.
  absl::Status Import(const NamedState& state);

 private:
  WeightAverage(const WeightAverageOptions& options, std::vector<ParameterInfo> parameters)
      : options_(options), parameters_(std::move(parameters)) {}

  const WeightAverageOptions options_;
  const std::vector<ParameterInfo> parameters_;
  std::vector<Tensor> averages_;
  int64_t updates_ = 0;
};

}  // namespace beak
