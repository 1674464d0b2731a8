#include "client/cli/curves.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"

namespace beak::cli {
namespace {

// Axes longer than this, or nearer to 0 than its inverse, are not drawn to scale; no training has such values.
constexpr double kLargest = 1e30;

void AddPoint(Curve& curve, double epoch, bool known, double value) {
  if (known) curve.points.push_back({epoch, value});
}

void Keep(Curve curve, std::vector<Curve>& curves) {
  if (!curve.points.empty()) curves.push_back(std::move(curve));
}

// 1, 2, 5, 10, 20 ... times `unit`.
double RoundStep(double unit, int index) {
  constexpr double kSteps[] = {1, 2, 5};
  return unit * kSteps[index % 3] * std::pow(10, index / 3);
}

template <typename Member>
Range RangeOf(const std::vector<Curve>& curves, Member member) {
  Range range = {HUGE_VAL, -HUGE_VAL};
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      if (!std::isfinite(point.*member)) continue;
      range.low = std::min(range.low, point.*member);
      range.high = std::max(range.high, point.*member);
    }
  }
  return range.low <= range.high ? range : Range();
}

}  // namespace

Curves CurvesOf(const v1::TrainJob& job) {
  Curve loss{"training", {}}, held_out_loss{"held-out", {}}, accuracy{"training", {}},
      held_out_accuracy{"held-out", {}};
  for (const v1::EpochReport& epoch : job.epoch()) {
    const auto number = static_cast<double>(epoch.epoch() + 1);
    AddPoint(loss, number, true, epoch.training().loss());
    AddPoint(held_out_loss, number, epoch.has_held_out(), epoch.held_out().loss());
    AddPoint(accuracy, number, epoch.training().has_accuracy(), epoch.training().accuracy());
    AddPoint(held_out_accuracy, number, epoch.held_out().has_accuracy(), epoch.held_out().accuracy());
  }
  Curves curves;
  Keep(std::move(loss), curves.loss);
  Keep(std::move(held_out_loss), curves.loss);
  Keep(std::move(accuracy), curves.accuracy);
  Keep(std::move(held_out_accuracy), curves.accuracy);
  return curves;
}

std::vector<double> Axis::Ticks() const {
  std::vector<double> ticks;
  const auto count = static_cast<int>(std::lround((high - low) / step));
  for (int i = 0; i <= count; ++i) {
    const double tick = low + i * step;
    ticks.push_back(std::abs(tick) < step / 2 ? 0 : tick);  // not -1e-17
  }
  return ticks;
}

std::string Axis::Label(double tick) const {
  const double largest = std::max(std::abs(low), std::abs(high));
  if (largest >= 1e6 || step < 1e-6) return absl::StrFormat("%.3g", tick);
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return absl::StrFormat("%.*f", decimals, tick);
}

Axis RoundAxis(double low, double high, int most_ticks, double least) {
  most_ticks = std::max(most_ticks, 3);  // as many as it takes around 0
  low = std::clamp(low, -kLargest, kLargest);
  high = std::clamp(high, low, kLargest);
  // Values that are as good as one get room below: accuracies end at 1.
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= size * 1e-6) {
    if (least > 0) {
      high = low + least;
    } else if (size < 1 / kLargest) {
      high = low + 1;
    } else {
      low -= size / 10;
    }
  }
  const double unit = std::max(least, std::pow(10, std::floor(std::log10((high - low) / most_ticks))));
  for (int i = 0;; ++i) {
    const double step = RoundStep(unit, i);
    // A value on a tick stays on it, whatever its last bit is.
    const Axis axis = {std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, step};
    if ((axis.high - axis.low) / step < most_ticks - 0.5) return axis;
  }
}

Range RangeOfX(const std::vector<Curve>& curves) { return RangeOf(curves, &Point::x); }
Range RangeOfY(const std::vector<Curve>& curves) { return RangeOf(curves, &Point::y); }

}  // namespace beak::cli
