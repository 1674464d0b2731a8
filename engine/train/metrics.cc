#include "engine/train/metrics.h"

#include <cmath>

#include "engine/base/check.h"
#include "engine/base/status.h"

namespace beak {
namespace {

// True where class `a` stands before class `b`.
bool StandsBefore(std::span<const float> scores, size_t a, size_t b) {
  if (std::isnan(scores[a]) != std::isnan(scores[b])) return std::isnan(scores[b]);
  if (scores[a] > scores[b]) return true;
  if (scores[a] < scores[b]) return false;
  return a < b;
}

double Ratio(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

int64_t RankOf(std::span<const float> scores, int64_t label) {
  const auto own = static_cast<size_t>(label);
  BEAK_CHECK(own < scores.size());
  int64_t rank = 0;
  for (size_t i = 0; i < scores.size(); ++i) rank += StandsBefore(scores, i, own) ? 1 : 0;
  return rank;
}

int64_t BestClass(std::span<const float> scores) {
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    if (StandsBefore(scores, i, best)) best = i;
  }
  return static_cast<int64_t>(best);
}

absl::StatusOr<ConfusionMatrix> ConfusionMatrix::Create(int64_t classes) {
  if (classes < 1) {
    return absl::InvalidArgumentError(absl::StrCat("confusion matrix: expected 1 or more classes, got ", classes));
  }
  if (classes > kMaxClasses) {
    return absl::ResourceExhaustedError(
        absl::StrCat("confusion matrix: expected at most ", kMaxClasses, " classes, got ", classes));
  }
  return ConfusionMatrix(classes);
}

void ConfusionMatrix::Add(int64_t label, int64_t predicted) {
  BEAK_CHECK(label >= 0 && label < classes_ && predicted >= 0 && predicted < classes_);
  ++counts_[static_cast<size_t>(label * classes_ + predicted)];
}

double ConfusionMatrix::accuracy() const {
  int64_t right = 0;
  int64_t all = 0;
  for (int64_t c = 0; c < classes_; ++c) right += count(c, c);
  for (const int64_t n : counts_) all += n;
  return Ratio(right, all);
}

std::vector<ClassReport> ConfusionMatrix::Report() const {
  std::vector<ClassReport> report(static_cast<size_t>(classes_));
  for (int64_t c = 0; c < classes_; ++c) {
    int64_t predicted = 0;
    ClassReport& row = report[static_cast<size_t>(c)];
    for (int64_t other = 0; other < classes_; ++other) {
      row.support += count(c, other);
      predicted += count(other, c);
    }
    row.precision = Ratio(count(c, c), predicted);
    row.recall = Ratio(count(c, c), row.support);
    row.f1 = Ratio(2 * count(c, c), predicted + row.support);
  }
  return report;
}

}  // namespace beak
