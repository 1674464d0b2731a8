#include "engine/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "engine/base/field_errors.h"

namespace beak {
namespace {

// From `from` to `to` along half a cosine, at `part` of the way.
double AlongCosine(double from, double to, double part) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

double AlongLine(double from, double to, double part) { return from + (to - from) * part; }

// s / length, at most 1.
double Part(double s, double length) { return std::min(s / length, 1.0); }

int64_t CycleLength(const SnapshotCosine& snapshot) {
  return snapshot.length / snapshot.cycles + (snapshot.length % snapshot.cycles != 0 ? 1 : 0);
}

// The rate of each shape at s.
struct RateOf {
  double eta;
  double s;

  double operator()(const ConstantRate&) const { return eta; }

  double operator()(const StepDecay& shape) const {
    return eta * std::pow(shape.gamma, std::floor(s / static_cast<double>(shape.every)));
  }

  double operator()(const MultiStepDecay& shape) const {
    const auto passed = std::ranges::count_if(shape.milestones, [&](int64_t m) { return static_cast<double>(m) <= s; });
    return eta * std::pow(shape.gamma, static_cast<double>(passed));
  }

  double operator()(const PiecewiseConstant& shape) const {
    const auto passed = std::ranges::count_if(shape.boundaries, [&](int64_t b) { return static_cast<double>(b) < s; });
    return passed == 0 ? eta : shape.rates[static_cast<size_t>(passed) - 1];
  }

  double operator()(const ExponentialDecay& shape) const {
    const double exponent = s / shape.every;
    return eta * std::pow(shape.gamma, shape.staircase ? std::floor(exponent) : exponent);
  }

  double operator()(const LinearFactor& shape) const {
    return eta * AlongLine(shape.start, shape.end, Part(s, static_cast<double>(shape.length)));
  }

  double operator()(const PolynomialDecay& shape) const {
    const double left = 1 - Part(s, static_cast<double>(shape.length));
    return (eta - shape.end_rate) * std::pow(left, shape.power) + shape.end_rate;
  }

  double operator()(const CosineDecay& shape) const {
    const double part = s / static_cast<double>(shape.length);
    return AlongCosine(eta, eta * shape.end_fraction, shape.flavour == Flavour::kKeras ? std::min(part, 1.0) : part);
  }

  double operator()(const CosineRestarts& shape) const {
    const double factor = shape.length_factor;
    const double lengths = s / static_cast<double>(shape.first_length);
    // Where cycle n begins, in first lengths.
    const auto begin = [factor](double n) { return factor == 1 ? n : (std::pow(factor, n) - 1) / (factor - 1); };
    double cycle = std::floor(factor == 1 ? lengths : std::log1p(lengths * (factor - 1)) / std::log(factor));
    // The logarithm may be off by a rounding where a cycle begins.
    if (begin(cycle) > lengths) --cycle;
    if (begin(cycle + 1) <= lengths) ++cycle;
    const double low = eta * shape.end_fraction;
    const double height = (eta - low) * std::pow(shape.peak_factor, cycle);
    return AlongCosine(low + height, low, (lengths - begin(cycle)) / std::pow(factor, cycle));
  }

  double operator()(const OneCycle& shape) const {
    const double start = eta / shape.div;
    const double top = shape.rise * static_cast<double>(shape.length) - 1;
    const auto along = shape.linear ? AlongLine : AlongCosine;
    if (s <= top) return along(start, eta, s / top);
    return along(eta, start / shape.final_div, Part(s - top, static_cast<double>(shape.length) - 1 - top));
  }

  double operator()(const SnapshotCosine& shape) const {
    const auto cycle = static_cast<double>(CycleLength(shape));
    return AlongCosine(eta, 0, std::fmod(s, cycle) / cycle);
  }
};

constexpr int64_t kMaxLength = int64_t{1} << 53;  // positions are exact in double

// Notes what is wrong with each shape.
class ShapeChecker {
 public:
  explicit ShapeChecker(FieldErrors& errors) : errors_(errors) {}

  void operator()(const ConstantRate&) {}

  void operator()(const StepDecay& shape) {
    Length("every", shape.every);
    Gamma(shape.gamma);
  }

  void operator()(const MultiStepDecay& shape) {
    Ascending("milestones", shape.milestones);
    Gamma(shape.gamma);
  }

  void operator()(const PiecewiseConstant& shape) {
    Ascending("boundaries", shape.boundaries);
    errors_.Expect(shape.rates.size() == shape.boundaries.size(), "rates", "as many as boundaries", shape.rates.size());
    for (const double rate : shape.rates) NotNegative("rates", rate);
  }

  void operator()(const ExponentialDecay& shape) {
    Gamma(shape.gamma);
    Positive("every", shape.every);
  }

  void operator()(const LinearFactor& shape) {
    NotNegative("start", shape.start);
    NotNegative("end", shape.end);
    Length("length", shape.length);
  }

  void operator()(const PolynomialDecay& shape) {
    Length("length", shape.length);
    NotNegative("end_rate", shape.end_rate);
    Positive("power", shape.power);
  }

  void operator()(const CosineDecay& shape) {
    Length("length", shape.length);
    Fraction("end_fraction", shape.end_fraction);
  }

  void operator()(const CosineRestarts& shape) {
    Length("first_length", shape.first_length);
    errors_.ExpectIn(shape.length_factor, 1, 1e6, "length_factor", "a number in [1, 1e6]");
    errors_.ExpectIn(shape.peak_factor, 1e-6, 1, "peak_factor", "a number in [1e-6, 1]");
    Fraction("end_fraction", shape.end_fraction);
  }

  void operator()(const OneCycle& shape) {
    Length("length", shape.length);
    const double top = shape.rise * static_cast<double>(shape.length) - 1;
    errors_.Expect(top > 0 && top < static_cast<double>(shape.length) - 1, "rise",
                   "a part of the length above 1 position and below all", shape.rise);
    Positive("div", shape.div);
    Positive("final_div", shape.final_div);
  }

  void operator()(const SnapshotCosine& shape) {
    Length("length", shape.length);
    errors_.Expect(shape.cycles >= 1 && shape.cycles <= shape.length, "cycles", "1 to length", shape.cycles);
  }

 private:
  void Length(const char* field, int64_t value) {
    errors_.Expect(value >= 1 && value <= kMaxLength, field, "1 or more", value);
  }
  void Gamma(double value) { errors_.ExpectIn(value, 1e-6, 1, "gamma", "a number in [1e-6, 1]"); }
  void Fraction(const char* field, double value) { errors_.ExpectIn(value, 0, 1, field, "a number in [0, 1]"); }
  void NotNegative(const char* field, double value) {
    errors_.ExpectIn(value, 0, 1e30, field, "a number in [0, 1e30]");
  }
  void Positive(const char* field, double value) {
    errors_.ExpectIn(value, 1e-6, 1e30, field, "a number in [1e-6, 1e30]");
  }
  void Ascending(const char* field, const std::vector<int64_t>& values) {
    const bool ascend = std::ranges::adjacent_find(values, std::greater_equal<>()) == values.end();
    errors_.Expect(!values.empty() && values.front() >= 0 && ascend, field, "positions that ascend",
                   values.empty() ? "none" : "others");
  }

  FieldErrors& errors_;
};

}  // namespace

std::vector<std::string> Validate(const Schedule& schedule) {
  FieldErrors errors;
  errors.ExpectIn(schedule.base_rate, 0, 1e30, "base_rate", "a number in [0, 1e30]");
  errors.Expect(schedule.warmup >= 0 && schedule.warmup <= kMaxLength, "warmup", "0 or more", schedule.warmup);
  errors.ExpectIn(schedule.warmup_start, 0, 1, "warmup_start", "a number in [0, 1]");
  std::visit(ShapeChecker(errors), schedule.shape);
  return errors.Take();
}

double LearningRateAt(const Schedule& schedule, const TrainPosition& position) {
  const int64_t s = schedule.unit == ScheduleUnit::kStep ? position.step : position.epoch;
  if (s < schedule.warmup) {
    const double part = static_cast<double>(s) / static_cast<double>(schedule.warmup);
    return schedule.base_rate * AlongLine(schedule.warmup_start, 1, part);
  }
  return std::visit(RateOf{schedule.base_rate, static_cast<double>(s - schedule.warmup)}, schedule.shape);
}

bool EndsSnapshotCycle(const SnapshotCosine& snapshot, int64_t s) {
  return (s + 1) % CycleLength(snapshot) == 0 || s + 1 == snapshot.length;
}

}  // namespace beak
