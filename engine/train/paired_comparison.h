#pragma once

#include <cstdint>

namespace beak {

// How two models did on the same samples: what decides whether the new one is published. Samples on which both agree
// tell the size of the set; those on which one alone is right tell the difference. A value type.
struct PairedCounts {
  int64_t both_right = 0;
  int64_t only_new_right = 0;
  int64_t only_old_right = 0;
  int64_t both_wrong = 0;

  void Add(bool new_right, bool old_right) {
    ++(new_right ? old_right ? both_right : only_new_right : old_right ? only_old_right : both_wrong);
  }
  int64_t total() const { return both_right + only_new_right + only_old_right + both_wrong; }
};

// Accuracy of the new model minus accuracy of the old one; 0 without samples.
double AccuracyDifference(const PairedCounts& counts);

// A number that the true difference is above with this (one-sided) confidence: the lower end of Newcombe's interval for
// paired proportions ("Improved confidence intervals for the difference between binomial proportions based on paired
// data", Statistics in Medicine 17, 1998, method 10: Wilson's score intervals of both accuracies, squared and added
// with their correlation, continuity corrected). It is the lower end of the two-sided interval of confidence
// 2 * confidence - 1, and never below -1: -1 without samples. "Better than the old one" is a bound above 0.
// REQUIRES: 0.5 <= confidence < 1, no negative count.
double AccuracyDifferenceLowerBound(const PairedCounts& counts, double confidence);

// z with P(N(0, 1) <= z) = probability, to 1e-12. REQUIRES: 1e-12 <= probability <= 1 - 1e-12.
double NormalQuantile(double probability);

}  // namespace beak
