#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "engine/initializers/flavour.h"

// Learning rates as pure functions of how far the training is; plateau.h has the one that looks at a metric. Source:
// torch/optim/lr_scheduler.py, keras/src/optimizers/schedules/learning_rate_schedule.py. s is a position counted from
// 0, eta the base rate, and lengths are counted in the schedule's unit.
namespace beak {

// What positions count. PyTorch's users mostly step per epoch, Keras' schedules always count updates.
enum class ScheduleUnit { kStep, kEpoch };

struct ConstantRate {};

// PyTorch's StepLR: eta * gamma^floor(s / every).
struct StepDecay {
  int64_t every = 0;
  double gamma = 0.1;
};

// PyTorch's MultiStepLR: eta * gamma^(number of milestones <= s). Milestones ascend.
struct MultiStepDecay {
  std::vector<int64_t> milestones;
  double gamma = 0.1;
};

// Keras' PiecewiseConstantDecay: eta as long as s <= boundaries[0], then rates[i] where boundaries[i] < s: a position
// that equals a boundary still has the old rate. Boundaries ascend. Keras' values are eta, then the rates.
struct PiecewiseConstant {
  std::vector<int64_t> boundaries;
  std::vector<double> rates;  // as many
};

// eta * gamma^(s / every); staircase rounds the exponent down. PyTorch's ExponentialLR is that with every = 1.
struct ExponentialDecay {
  double gamma = 0;
  double every = 1;
  bool staircase = false;
};

// PyTorch's LinearLR: eta times a factor that goes from `start` to `end` over `length`, and stays.
struct LinearFactor {
  double start = 1.0 / 3;
  double end = 1;
  int64_t length = 5;
};

// (eta - end_rate) * (1 - s / length)^power + end_rate, which stays at its end. The defaults are PyTorch's
// PolynomialLR; Keras' PolynomialDecay has an end_rate of 1e-4.
struct PolynomialDecay {
  int64_t length = 5;
  double end_rate = 0;
  double power = 1;
};

// Half a cosine from eta to end_fraction * eta over `length`. At its end Keras' CosineDecay stays (end_fraction is its
// alpha); PyTorch's CosineAnnealingLR rises again, with period 2 * length (end_fraction * eta is its eta_min).
struct CosineDecay {
  Flavour flavour = Flavour::kPyTorch;
  int64_t length = 0;
  double end_fraction = 0;
};

// The same cosine again and again, each cycle length_factor times as long as the one before and with a peak that is
// peak_factor times as far above the end: eta * (p * (1 - f) * (1 + cos) / 2 + f) with p = peak_factor^cycle. The
// defaults are PyTorch's CosineAnnealingWarmRestarts; Keras' CosineDecayRestarts has a length_factor (t_mul) of 2.
struct CosineRestarts {
  int64_t first_length = 0;
  double length_factor = 1;
  double peak_factor = 1;
  double end_fraction = 0;
};

// PyTorch's OneCycleLR in two phases: from eta / div up to eta at rise * length - 1, down to eta / (div * final_div) at
// length - 1, where it stays. Along half a cosine each, or a line.
struct OneCycle {
  int64_t length = 0;
  double rise = 0.3;
  double div = 25;
  double final_div = 1e4;
  bool linear = false;
};

// Huang et al., "Snapshot ensembles" (2017): eta / 2 * (cos(pi * mod(s, c) / c) + 1) with c = ceil(length / cycles).
// The weights at the end of each cycle (EndsSnapshotCycle) are the members of an ensemble.
struct SnapshotCosine {
  int64_t length = 0;
  int64_t cycles = 0;
};

using ScheduleShape =
    std::variant<ConstantRate, StepDecay, MultiStepDecay, PiecewiseConstant, ExponentialDecay, LinearFactor,
                 PolynomialDecay, CosineDecay, CosineRestarts, OneCycle, SnapshotCosine>;

// A schedule with its warm-up. A value type.
struct Schedule {
  ScheduleUnit unit = ScheduleUnit::kStep;
  double base_rate = 0;
  ScheduleShape shape;
  // Over the first `warmup` positions the rate goes in a line from warmup_start * base_rate to base_rate; position 0 of
  // the shape is the one after them. Keras' CosineDecay with a warm-up is that, with warmup_target as base_rate.
  int64_t warmup = 0;
  double warmup_start = 0;
};

// How far a training is: updates and epochs that are complete. The first update is at 0, 0.
struct TrainPosition {
  int64_t step = 0;
  int64_t epoch = 0;
};

// Every field that is wrong, named; empty where the schedule can be used.
std::vector<std::string> Validate(const Schedule& schedule);

// The rate of the next update. REQUIRES: a schedule that Validate accepts, a position that is not negative.
double LearningRateAt(const Schedule& schedule, const TrainPosition& position);

// True where position s, of the shape, is the last of its cycle or of all; the last cycle may be a shorter one.
bool EndsSnapshotCycle(const SnapshotCosine& snapshot, int64_t s);

}  // namespace beak
