#include "engine/train/regularizer.h"

#include <cmath>

#include "engine/base/check.h"
#include "engine/base/field_errors.h"

namespace beak {
namespace {

float SignOf(float value) { return value > 0 ? 1.0f : value < 0 ? -1.0f : 0.0f; }

// Calls body(unit, run) for each run of elements that lie next to each other and belong to one unit.
template <typename Body>
void ForEachRun(const Shape& shape, int unit_axis, std::span<float> weight, const Body& body) {
  const auto units = static_cast<size_t>(shape[static_cast<size_t>(unit_axis)]);
  const size_t length = static_cast<size_t>(Strides(shape)[static_cast<size_t>(unit_axis)]);
  for (size_t begin = 0, unit = 0; begin < weight.size(); begin += length, unit = (unit + 1) % units) {
    body(unit, weight.subspan(begin, length));
  }
}

}  // namespace

std::vector<std::string> Validate(const WeightPenalty& penalty) {
  FieldErrors errors;
  errors.ExpectIn(penalty.l1, 0, 1e30, "l1", "a number in [0, 1e30]");
  errors.ExpectIn(penalty.l2, 0, 1e30, "l2", "a number in [0, 1e30]");
  return errors.Take();
}

double PenaltyOf(const WeightPenalty& penalty, std::span<const float> weight) {
  double sum = 0;
  double squares = 0;
  for (const double w : weight) {
    sum += std::abs(w);
    squares += w * w;
  }
  return penalty.l1 * sum + penalty.l2 * squares;
}

void AddPenaltyGradient(const WeightPenalty& penalty, std::span<const float> weight, std::span<float> gradient) {
  BEAK_CHECK(weight.size() == gradient.size());
  const auto l1 = static_cast<float>(penalty.l1);
  const auto twice_l2 = static_cast<float>(2 * penalty.l2);
  for (size_t i = 0; i < weight.size(); ++i) gradient[i] += l1 * SignOf(weight[i]) + twice_l2 * weight[i];
}

void LimitUnitNorms(double max_norm, const Shape& shape, int unit_axis, std::span<float> weight) {
  BEAK_CHECK(weight.size() == static_cast<size_t>(NumElements(shape)));
  if (weight.empty()) return;
  const auto units = static_cast<size_t>(shape[static_cast<size_t>(unit_axis)]);
  std::vector<double> squares(units, 0.0);
  ForEachRun(shape, unit_axis, weight, [&](size_t unit, std::span<float> run) {
    for (const float w : run) squares[unit] += double{w} * w;
  });
  ForEachRun(shape, unit_axis, weight, [&](size_t unit, std::span<float> run) {
    const double norm = std::sqrt(squares[unit]);
    if (norm <= max_norm) return;
    for (float& w : run) w = static_cast<float>(w * (max_norm / norm));
  });
}

}  // namespace beak
