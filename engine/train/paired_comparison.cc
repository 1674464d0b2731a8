#include "engine/train/paired_comparison.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace beak {
namespace {

struct Interval {
  double low;
  double high;
};

// Wilson's score interval of a proportion, without continuity correction.
Interval WilsonInterval(double right, double total, double z) {
  const double z2 = z * z;
  const double center = (2 * right + z2) / (2 * (total + z2));
  const double half = z * std::sqrt(z2 + 4 * right * (1 - right / total)) / (2 * (total + z2));
  return {center - half, center + half};
}

// The correlation of being right, with a positive covariance made smaller by n / 2 as continuity asks.
double Correlation(double both, double only_new, double only_old, double neither) {
  const double scale = (both + only_new) * (only_old + neither) * (both + only_old) * (only_new + neither);
  if (scale == 0) return 0;
  const double covariance = both * neither - only_new * only_old;
  const double half = (both + only_new + only_old + neither) / 2;
  return (covariance > 0 ? std::max(covariance - half, 0.0) : covariance) / std::sqrt(scale);
}

}  // namespace

double AccuracyDifference(const PairedCounts& counts) {
  const int64_t total = counts.total();
  if (total == 0) return 0;
  return static_cast<double>(counts.only_new_right - counts.only_old_right) / static_cast<double>(total);
}

double AccuracyDifferenceLowerBound(const PairedCounts& counts, double confidence) {
  if (counts.total() == 0) return -1;
  const auto both = static_cast<double>(counts.both_right);
  const auto only_new = static_cast<double>(counts.only_new_right);
  const auto only_old = static_cast<double>(counts.only_old_right);
  const auto total = static_cast<double>(counts.total());
  const double z = NormalQuantile(confidence);
  const double below_new = (both + only_new) / total - WilsonInterval(both + only_new, total, z).low;
  const double above_old = WilsonInterval(both + only_old, total, z).high - (both + only_old) / total;
  const double phi = Correlation(both, only_new, only_old, static_cast<double>(counts.both_wrong));
  const double square = below_new * below_new - 2 * phi * below_new * above_old + above_old * above_old;
  return std::max(AccuracyDifference(counts) - std::sqrt(std::max(square, 0.0)), -1.0);
}

double NormalQuantile(double probability) {
  double low = -8;
  double high = 8;
  while (high - low > 1e-13) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::numbers::sqrt2) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace beak
