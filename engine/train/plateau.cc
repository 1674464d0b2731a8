#include "engine/train/plateau.h"

#include <algorithm>
#include <cmath>

#include "engine/base/field_errors.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr double kSmallestReduction = 1e-8;  // PyTorch's eps

}  // namespace

std::vector<std::string> Validate(const PlateauOptions& options) {
  FieldErrors errors;
  errors.Expect(options.factor > 0 && options.factor < 1, "factor", "a number in (0, 1)", options.factor);
  errors.Expect(options.patience >= 0, "patience", "0 or more", options.patience);
  errors.ExpectIn(options.threshold, 0, 1e30, "threshold", "a number in [0, 1e30]");
  errors.Expect(options.cooldown >= 0, "cooldown", "0 or more", options.cooldown);
  errors.ExpectIn(options.min_rate, 0, 1e30, "min_rate", "a number in [0, 1e30]");
  return errors.Take();
}

void Plateau::Observe(double metric) {
  options_.flavour == Flavour::kPyTorch ? ObservePyTorch(metric) : ObserveKeras(metric);
}

void Plateau::ObservePyTorch(double metric) {
  // best * (1 -+ threshold), whichever sign the best value has.
  const double margin = options_.threshold * best_.value_or(0);
  if (IsBetter(options_.goal, metric, best_, margin)) {
    best_ = metric;
    bad_rounds_ = 0;
  } else {
    ++bad_rounds_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_rounds_ = 0;
  }
  if (bad_rounds_ <= options_.patience) return;
  if (rate_ - std::max(rate_ * options_.factor, options_.min_rate) > kSmallestReduction) Lower();
  cooldown_left_ = options_.cooldown;
  bad_rounds_ = 0;
}

void Plateau::ObserveKeras(double metric) {
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_rounds_ = 0;
  }
  if (IsBetter(options_.goal, metric, best_, options_.threshold)) {
    best_ = metric;
    bad_rounds_ = 0;
    return;
  }
  if (cooldown_left_ > 0) return;
  ++bad_rounds_;
  if (bad_rounds_ < options_.patience || rate_ <= options_.min_rate) return;
  Lower();
  cooldown_left_ = options_.cooldown;
  bad_rounds_ = 0;
}

void Plateau::Lower() { rate_ = std::max(rate_ * options_.factor, options_.min_rate); }

NamedState Plateau::Export() const {
  NamedState state;
  state.numbers = {{"rate", rate_},
                   {"bad_rounds", static_cast<double>(bad_rounds_)},
                   {"cooldown_left", static_cast<double>(cooldown_left_)}};
  if (best_) state.numbers["best"] = *best_;
  return state;
}

absl::Status Plateau::Import(const NamedState& state) {
  StateReader reader(state);
  const double rate = reader.TakeNumber("rate", 0, base_rate_);
  const int64_t bad_rounds = reader.TakeCount("bad_rounds");
  const int64_t cooldown_left = reader.TakeCount("cooldown_left");
  std::optional<double> best;
  if (reader.Has("best")) best = reader.TakeNumber("best", -HUGE_VAL, HUGE_VAL);
  if (const absl::Status status = reader.Finish(); !status.ok()) return Annotate(status, "plateau state");
  rate_ = rate;
  bad_rounds_ = bad_rounds;
  cooldown_left_ = cooldown_left;
  best_ = best;
  return absl::OkStatus();
}

}  // namespace beak
