#include "engine/train/gradients.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "engine/base/check.h"
#include "engine/base/field_errors.h"
#include "engine/base/parallel.h"

namespace beak {
namespace {

// Sums are kept in this many parts, so that additions need not wait for each other.
constexpr size_t kLanes = 8;
// Elements of a sum of its own, whichever thread makes it.
constexpr size_t kPiece = size_t{1} << 15;

double SumOfSquares(std::span<const float> values) {
  std::array<double, kLanes> sums = {};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      sums[lane] += value * value;
    }
  }
  for (size_t lane = 0; i < values.size(); ++i, ++lane) sums[lane] += double{values[i]} * values[i];
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

bool IsFinite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t bad = 0;
  for (const float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    bad |= (bits & kExponent) == kExponent ? 1 : 0;
  }
  return bad == 0;
}

void Scale(std::span<float> values, double factor) {
  const auto by = static_cast<float>(factor);
  for (float& value : values) value *= by;
}

// What a gradient of this norm is multiplied by; 1 or above: nothing.
double ClipFactor(const ClipOptions& options, double norm) {
  return options.limit / (options.flavour == Flavour::kPyTorch ? norm + 1e-6 : norm);
}

}  // namespace

std::vector<std::string> Validate(const ClipOptions& options) {
  FieldErrors errors;
  if (options.kind == ClipKind::kNone) {
    errors.Expect(options.limit == 0, "clip limit", "0 without clipping", options.limit);
  } else {
    errors.ExpectIn(options.limit, 1e-30, 1e30, "clip limit", "a number in [1e-30, 1e30]");
  }
  return errors.Take();
}

double Norm(std::span<const float> gradient) { return std::sqrt(SumOfSquares(gradient)); }

double GlobalNorm(std::span<const std::span<float>> gradients, int threads) {
  std::vector<std::span<const float>> pieces;
  for (const std::span<float> gradient : gradients) {
    for (size_t i = 0; i < gradient.size(); i += kPiece) {
      pieces.push_back(gradient.subspan(i, std::min(kPiece, gradient.size() - i)));
    }
  }
  std::vector<double> sums(pieces.size());
  ParallelFor(threads, [&](int thread) {
    const Range part = PartOf(static_cast<int64_t>(pieces.size()), thread, std::max(threads, 1));
    for (int64_t i = part.begin; i < part.end; ++i) sums[i] = SumOfSquares(pieces[i]);
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

std::optional<size_t> FirstNonFinite(std::span<const std::span<float>> gradients) {
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!IsFinite(gradients[i])) return i;
  }
  return std::nullopt;
}

void ClipGradients(const ClipOptions& options, double norm, std::span<const std::span<float>> gradients) {
  const double global_factor = options.kind == ClipKind::kGlobalNorm ? ClipFactor(options, norm) : 1;
  const auto limit = static_cast<float>(options.limit);
  for (const std::span<float> gradient : gradients) {
    if (options.kind == ClipKind::kValue) {
      for (float& value : gradient) value = std::clamp(value, -limit, limit);
    } else {
      const double factor = options.kind == ClipKind::kNorm ? ClipFactor(options, Norm(gradient)) : global_factor;
      if (factor < 1) Scale(gradient, factor);
    }
  }
}

void GradientAccumulator::Add(std::span<const std::span<float>> gradients) {
  if (sums_.empty()) {
    for (const std::span<float> gradient : gradients) sums_.emplace_back(gradient.size(), 0.0f);
  }
  BEAK_CHECK(sums_.size() == gradients.size());
  for (size_t i = 0; i < gradients.size(); ++i) {
    BEAK_CHECK(sums_[i].size() == gradients[i].size());
    for (size_t j = 0; j < gradients[i].size(); ++j) sums_[i][j] += gradients[i][j];
  }
  ++count_;
}

void GradientAccumulator::TakeMean(std::span<const std::span<float>> gradients) {
  BEAK_CHECK(count_ > 0 && sums_.size() == gradients.size());
  for (size_t i = 0; i < gradients.size(); ++i) {
    BEAK_CHECK(sums_[i].size() == gradients[i].size());
    std::ranges::copy(sums_[i], gradients[i].begin());
    Scale(gradients[i], 1 / static_cast<double>(count_));
    std::ranges::fill(sums_[i], 0.0f);
  }
  count_ = 0;
}

}  // namespace beak
