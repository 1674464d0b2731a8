#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/train/goal.h"
#include "engine/train/state.h"

namespace beak {

// A value type. The defaults are those of Keras' EarlyStopping.
struct EarlyStoppingOptions {
  Goal goal = Goal::kMinimize;
  int64_t patience = 0;  // rounds without improvement in a row that end the training; 0 means 1
  double min_delta = 0;  // what is no improvement, in the metric's unit
};

// Every field that is wrong, named.
std::vector<std::string> Validate(const EarlyStoppingOptions& options);

// Says when a metric has not improved for too long, and which round was the best. *Thread-compatible.*
class EarlyStopping {
 public:
  enum class Verdict { kImproved, kGoOn, kStop };

  // REQUIRES: options that Validate accepts.
  explicit EarlyStopping(const EarlyStoppingOptions& options) : options_(options) {}

  // What the metric was after another round (an epoch). kImproved: the weights of now are the ones to keep. What is
  // not finite is no improvement.
  Verdict Observe(double metric);

  std::optional<double> best() const { return best_; }

  // The numbers "bad_rounds", and "best" once there is one.
  NamedState Export() const;
  // INVALID_ARGUMENT, and nothing changes, for what Export cannot have given.
  absl::Status Import(const NamedState& state);

 private:
  const EarlyStoppingOptions options_;
  std::optional<double> best_;
  int64_t bad_rounds_ = 0;
};

}  // namespace beak
