#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/initializers/flavour.h"
#include "engine/train/goal.h"
#include "engine/train/state.h"

namespace beak {

// A value type. The defaults are both frameworks'.
struct PlateauOptions {
  Flavour flavour = Flavour::kPyTorch;
  Goal goal = Goal::kMinimize;
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;  // PyTorch: a part of the best value; Keras (min_delta): in the metric's unit
  int64_t cooldown = 0;
  double min_rate = 0;
};

// Every field that is wrong, named.
std::vector<std::string> Validate(const PlateauOptions& options);

// Lowers a learning rate when a metric no longer improves. *Thread-compatible.* The epochs (or other rounds) that it is
// told about are its unit of time. Source: torch/optim/lr_scheduler.py ReduceLROnPlateau,
// keras/src/callbacks/reduce_lr_on_plateau.py. PyTorch lowers the rate after more than `patience` bad rounds in a row,
// and not by less than 1e-8; Keras after `patience` of them, and counts the round that ends a cooldown. With a warm-up
// or any other schedule: rate() is its base_rate.
class Plateau {
 public:
  // REQUIRES: options that Validate accepts.
  Plateau(const PlateauOptions& options, double base_rate)
      : options_(options), base_rate_(base_rate), rate_(base_rate) {}

  double rate() const { return rate_; }

  // What the metric was after another round. What is not finite is no improvement.
  void Observe(double metric);

  // The numbers "rate", "bad_rounds", "cooldown_left", and "best" once there is one.
  NamedState Export() const;
  // INVALID_ARGUMENT, and nothing changes, for what Export cannot have given.
  absl::Status Import(const NamedState& state);

 private:
  void ObservePyTorch(double metric);
  void ObserveKeras(double metric);
  void Lower();

  const PlateauOptions options_;
  const double base_rate_;
  double rate_;
  std::optional<double> best_;
  int64_t bad_rounds_ = 0;
  int64_t cooldown_left_ = 0;
};

}  // namespace beak
