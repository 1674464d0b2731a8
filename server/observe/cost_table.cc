#include "server/observe/cost_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace beak {
namespace {

// How fast figures follow what is measured, a part of the difference each run.
constexpr double kDriftRate = 0.05;
constexpr double kBaseRate = 0.03;
constexpr double kReturnRate = 0.001;  // of a base to its first figure
// One run that takes longer than this many times its mean says something about the machine, not about the network.
constexpr double kOutlier = 4;

// The margin is a quantile, tracked by stochastic approximation: in balance when one run in a thousand exceeds it.
// Source: Robbins and Monro, "A stochastic approximation method", 1951.
constexpr double kExceededBy = 0.001;
constexpr double kMarginStep = 0.25;
constexpr double kMinMargin = 1.15;
constexpr double kMaxMargin = 8;
// The least that is allowed for a thread that is not scheduled at once.
constexpr double kMinMarginNs = 150e3;

// Changes below these are not worth a new curve, unless so many runs have passed.
constexpr double kNoticeable = 0.03;
constexpr int kPublishEvery = 256;

bool Differs(double now, double published) { return std::abs(now / published - 1) > kNoticeable; }

std::chrono::nanoseconds Nanoseconds(double ns) { return std::chrono::nanoseconds(std::llround(ns)); }

}  // namespace

const Cost* CostCurve::Smallest(int64_t rows, int threads) const {
  for (const Cost& cost : costs_) {
    if (cost.threads == threads && cost.rows >= rows) return &cost;
  }
  return nullptr;
}

int64_t CostCurve::max_rows() const {
  int64_t most = 0;
  for (const Cost& cost : costs_) {
    if (cost.threads == 1) most = std::max(most, cost.rows);
  }
  return most;
}

void CostTable::Add(int64_t rows, int threads, std::chrono::nanoseconds duration) {
  const double ns = std::max<double>(1, static_cast<double>(duration.count()));
  const auto before = [](const Program& a, const Program& b) {
    return std::pair(a.threads, a.rows) < std::pair(b.threads, b.rows);
  };
  MutexLock lock(mutex_);
  const Program program{rows, threads, ns / drift_, ns / drift_};
  const auto place = std::lower_bound(programs_.begin(), programs_.end(), program, before);
  if (place != programs_.end() && !before(program, *place)) {
    *place = program;
  } else {
    programs_.insert(place, program);
  }
  Publish();
}

void CostTable::Record(int64_t rows, int threads, std::chrono::nanoseconds duration) {
  const double ns = std::max<double>(1, static_cast<double>(duration.count()));
  MutexLock lock(mutex_);
  const auto program = std::find_if(programs_.begin(), programs_.end(),
                                    [&](const Program& p) { return p.rows == rows && p.threads == threads; });
  if (program == programs_.end()) return;
  const double ratio = ns / Mean(*program);
  margin_ += ratio > margin_ ? kMarginStep * (1 - kExceededBy) : -kMarginStep * kExceededBy;
  margin_ = std::clamp(margin_, kMinMargin, kMaxMargin);
  // Both follow the same figure, or they would drift apart for ever, one up and one down; what they have in common is
  // left to the drift.
  const double usual = std::min(ratio, kOutlier) - 1;
  drift_ *= 1 + kDriftRate * usual;
  program->base *= (1 + kBaseRate * usual) * std::pow(program->first_base / program->base, kReturnRate);
  const bool noticeable = Differs(drift_, published_drift_) || Differs(margin_, published_margin_) ||
                          Differs(program->base, program->published_base);
  if (noticeable || --records_until_publish_ <= 0) Publish();
}

std::shared_ptr<const CostCurve> CostTable::curve() const {
  MutexLock lock(mutex_);
  return curve_;
}

void CostTable::Publish() {
  std::vector<Cost> costs;
  costs.reserve(programs_.size());
  for (Program& program : programs_) {
    program.published_base = program.base;
    const double mean = Mean(program);
    costs.push_back(
        {program.rows, program.threads, Nanoseconds(mean), Nanoseconds(std::max(mean * margin_, mean + kMinMarginNs))});
  }
  curve_ = std::make_shared<const CostCurve>(std::move(costs));
  published_drift_ = drift_;
  published_margin_ = margin_;
  records_until_publish_ = kPublishEvery;
}

}  // namespace beak
