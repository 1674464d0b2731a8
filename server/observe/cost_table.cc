#include "server/observe/cost_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace beak {
namespace {

// How fast figures follow what is measured, a part of the difference each run.
constexpr double kComputedRate = 0.05;
constexpr double kStretchRate = 0.02;
// One run that is further than this many times from what is known does not say more than one that is so far.
constexpr double kOutlier = 4;
constexpr double kMostStretch = 20;
// The part of what a run computes beside others that it would compute alone, with the caches to itself.
constexpr double kUndisturbed = 0.8;

// The last runs of which the spread is taken, and what is assumed of those that have not been yet.
constexpr size_t kSpreadRuns = 128;
constexpr double kFirstRatio = 1.25;
// Of these, so many are longer than `high`. A run that turns out to be too late is stopped between two steps, so what a
// longer one costs is computing for nothing; too cautious a figure costs requests that could have been answered.
constexpr size_t kLonger = 2;
constexpr double kMinMargin = 1.05;
// How much longer a run that was stopped is taken to have been than it was sure to be.
constexpr double kStoppedEarly = 1.1;
constexpr double kMaxMargin = 8;
// The least that is allowed for a thread that is not scheduled at once.
constexpr double kMinMarginNs = 100e3;

// Changes below these are not worth a new curve, unless so many runs have passed.
constexpr double kNoticeable = 0.03;
constexpr int kPublishEvery = 16;

bool Differs(double now, double published) { return std::abs(now / published - 1) > kNoticeable; }

double Positive(std::chrono::nanoseconds duration) {
  return std::max<double>(1, static_cast<double>(duration.count()));
}

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

CostTable::Spread::Spread() : ratios(kSpreadRuns, kFirstRatio) {}

void CostTable::Spread::Add(double ratio) {
  ratios[next] = ratio;
  next = (next + 1) % ratios.size();
}

double CostTable::Spread::Margin() const {
  std::vector<double> sorted = ratios;
  const auto margin = sorted.end() - 1 - static_cast<std::ptrdiff_t>(kLonger);
  std::nth_element(sorted.begin(), margin, sorted.end());
  return std::clamp(*margin, kMinMargin, kMaxMargin);
}

void CostTable::Add(int64_t rows, int threads, std::chrono::nanoseconds computed) {
  const auto before = [](const Program& a, const Program& b) {
    return std::pair(a.threads, a.rows) < std::pair(b.threads, b.rows);
  };
  MutexLock lock(mutex_);
  const Program program{rows, threads, Positive(computed)};
  const auto place = std::lower_bound(programs_.begin(), programs_.end(), program, before);
  if (place != programs_.end() && !before(program, *place)) {
    *place = program;
  } else {
    programs_.insert(place, program);
  }
  Publish();
}

void CostTable::Record(int64_t rows, int threads, std::chrono::nanoseconds computed, std::chrono::nanoseconds passed) {
  const double computed_ns = Positive(computed);
  const double passed_ns = std::max(Positive(passed), computed_ns);
  MutexLock lock(mutex_);
  Program* program = Find(rows, threads);
  if (program == nullptr) return;
  SpreadOf(threads).Add(passed_ns / Mean(*program));
  // A thread with helpers also waits for them.
  if (threads == 1) stretch_ += kStretchRate * (std::min(passed_ns / computed_ns, kMostStretch) - stretch_);
  program->computed += kComputedRate * (std::min(computed_ns, kOutlier * program->computed) - program->computed);
  const bool noticeable = Differs(stretch_, published_stretch_) || Differs(program->computed, program->published);
  if (noticeable || --records_until_publish_ <= 0) Publish();
}

void CostTable::RecordStopped(int64_t rows, int threads, std::chrono::nanoseconds at_least) {
  MutexLock lock(mutex_);
  const Program* program = Find(rows, threads);
  if (program == nullptr) return;
  SpreadOf(threads).Add(kStoppedEarly * Positive(at_least) / Mean(*program));
  Publish();
}

CostTable::Program* CostTable::Find(int64_t rows, int threads) {
  const auto program = std::find_if(programs_.begin(), programs_.end(),
                                    [&](const Program& p) { return p.rows == rows && p.threads == threads; });
  return program == programs_.end() ? nullptr : &*program;
}

std::shared_ptr<const CostCurve> CostTable::curve() const {
  MutexLock lock(mutex_);
  return curve_;
}

void CostTable::Publish() {
  std::vector<Cost> costs;
  costs.reserve(programs_.size());
  for (Program& program : programs_) {
    program.published = program.computed;
    const double mean = Mean(program);
    const double margin = SpreadOf(program.threads).Margin();
    costs.push_back({program.rows, program.threads, Nanoseconds(mean),
                     Nanoseconds(std::max(mean * margin, mean + kMinMarginNs)),
                     Nanoseconds(program.computed * kUndisturbed)});
  }
  curve_ = std::make_shared<const CostCurve>(std::move(costs));
  published_stretch_ = stretch_;
  records_until_publish_ = kPublishEvery;
}

}  // namespace beak
