#include "engine/train/early_stopping.h"

#include <cmath>

#include "engine/base/field_errors.h"
#include "engine/base/status.h"

namespace beak {

std::vector<std::string> Validate(const EarlyStoppingOptions& options) {
  FieldErrors errors;
  errors.Expect(options.patience >= 0, "patience", "0 or more", options.patience);
  errors.ExpectIn(options.min_delta, 0, 1e30, "min_delta", "a number in [0, 1e30]");
  return errors.Take();
}

EarlyStopping::Verdict EarlyStopping::Observe(double metric) {
  if (IsBetter(options_.goal, metric, best_, options_.min_delta)) {
    best_ = metric;
    bad_rounds_ = 0;
    return Verdict::kImproved;
  }
  ++bad_rounds_;
  return bad_rounds_ >= options_.patience ? Verdict::kStop : Verdict::kGoOn;
}

NamedState EarlyStopping::Export() const {
  NamedState state;
  state.numbers["bad_rounds"] = static_cast<double>(bad_rounds_);
  if (best_) state.numbers["best"] = *best_;
  return state;
}

absl::Status EarlyStopping::Import(const NamedState& state) {
  StateReader reader(state);
  const int64_t bad_rounds = reader.TakeCount("bad_rounds");
  std::optional<double> best;
  if (reader.Has("best")) best = reader.TakeNumber("best", -HUGE_VAL, HUGE_VAL);
  if (const absl::Status status = reader.Finish(); !status.ok()) return Annotate(status, "early stopping state");
  bad_rounds_ = bad_rounds;
  best_ = best;
  return absl::OkStatus();
}

}  // namespace beak
