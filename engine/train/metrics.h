#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

// Measures that are taken batch by batch and told at the end: value types, *Thread-compatible*.
namespace beak {

// The mean of losses that are means themselves, weighted by the samples behind each: a short last batch counts for what
// it is.
class MeanLoss {
 public:
  // REQUIRES: weight >= 0.
  void Add(double mean, double weight) {
    sum_ += mean * weight;
    weight_ += weight;
  }
  double weight() const { return weight_; }
  double mean() const { return weight_ > 0 ? sum_ / weight_ : 0; }

 private:
  double sum_ = 0;
  double weight_ = 0;
};

// Where class `label` stands among the scores of one sample, 0 first. Ties go to the class with the lower index, as
// argmax breaks them: equal scores for all are right only for class 0, not for everybody. NaN stands below every
// number. REQUIRES: 0 <= label < scores.size().
int64_t RankOf(std::span<const float> scores, int64_t label);

// The class that stands first. REQUIRES: scores.
int64_t BestClass(std::span<const float> scores);

// The part of samples whose label stands among the first k scores. Scores may be logits or probabilities.
class TopKAccuracy {
 public:
  explicit TopKAccuracy(int64_t k) : k_(k) {}  // REQUIRES: k >= 1

  void Add(std::span<const float> scores, int64_t label) {
    hits_ += RankOf(scores, label) < k_ ? 1 : 0;
    ++count_;
  }
  int64_t count() const { return count_; }
  double value() const { return count_ > 0 ? static_cast<double>(hits_) / static_cast<double>(count_) : 0; }

 private:
  int64_t k_;
  int64_t hits_ = 0;
  int64_t count_ = 0;
};

struct ClassReport {
  int64_t support = 0;   // samples that are of this class
  double precision = 0;  // of those called so, the part that is; 0 where none was
  double recall = 0;     // of those that are, the part that was called so; 0 where none is
  double f1 = 0;         // their harmonic mean: 2 tp / (2 tp + fp + fn); 0 where neither was nor is
};

// How often each class was called what.
class ConfusionMatrix {
 public:
  static constexpr int64_t kMaxClasses = 4096;  // 128 MiB of counts

  // RESOURCE_EXHAUSTED above kMaxClasses, INVALID_ARGUMENT below 1.
  static absl::StatusOr<ConfusionMatrix> Create(int64_t classes);

  // REQUIRES: 0 <= label, predicted < classes().
  void Add(int64_t label, int64_t predicted);

  int64_t classes() const { return classes_; }
  int64_t count(int64_t label, int64_t predicted) const {
    return counts_[static_cast<size_t>(label * classes_ + predicted)];
  }
  double accuracy() const;
  // A row per class.
  std::vector<ClassReport> Report() const;

 private:
  explicit ConfusionMatrix(int64_t classes)
      : classes_(classes), counts_(static_cast<size_t>(classes) * static_cast<size_t>(classes), 0) {}

  int64_t classes_;
  std::vector<int64_t> counts_;  // [label, predicted]
};

}  // namespace beak
