#include "engine/train/paired_comparison.h"

#include <gtest/gtest.h>

#include "engine/base/rng.h"

namespace beak {
namespace {

TEST(PairedComparisonTest, Counts) {
  PairedCounts counts;
  counts.Add(true, true);
  counts.Add(true, false);
  counts.Add(true, false);
  counts.Add(false, true);
  counts.Add(false, false);
  EXPECT_EQ(counts.both_right, 1);
  EXPECT_EQ(counts.only_new_right, 2);
  EXPECT_EQ(counts.only_old_right, 1);
  EXPECT_EQ(counts.both_wrong, 1);
  EXPECT_EQ(counts.total(), 5);
  EXPECT_DOUBLE_EQ(AccuracyDifference(counts), 0.2);
}

TEST(PairedComparisonTest, NormalQuantiles) {
  EXPECT_NEAR(NormalQuantile(0.5), 0, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.95), 1.644853626951473, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.1), -1.281551565544601, 1e-12);
}

// Two-sided 95 % intervals of published examples, as the R package contingencytables (Fagerland, Lydersen and Laake,
// "Statistical Analysis of Contingency Tables", 2017) gives them to four and three decimals. The
// upper end is minus the lower end of the exchanged comparison.
TEST(PairedComparisonTest, PublishedIntervals) {
  const PairedCounts cavo = {59, 6, 16, 80};
  EXPECT_NEAR(AccuracyDifference(cavo), -0.0621, 5e-5);
  EXPECT_NEAR(AccuracyDifferenceLowerBound(cavo, 0.975), -0.1186, 5e-5);
  EXPECT_NEAR(-AccuracyDifferenceLowerBound({59, 16, 6, 80}, 0.975), -0.0046, 5e-5);
  EXPECT_NEAR(AccuracyDifferenceLowerBound({1, 1, 7, 12}, 0.975), -0.507, 5e-4);
  EXPECT_NEAR(-AccuracyDifferenceLowerBound({1, 7, 1, 12}, 0.975), -0.026, 5e-4);
}

TEST(PairedComparisonTest, NothingIsProvenByNothing) {
  EXPECT_EQ(AccuracyDifferenceLowerBound({}, 0.95), -1);
  EXPECT_LT(AccuracyDifferenceLowerBound({100, 0, 0, 0}, 0.95), 0);
  EXPECT_LT(AccuracyDifferenceLowerBound({0, 0, 0, 100}, 0.95), 0);
  EXPECT_LT(AccuracyDifferenceLowerBound({50, 0, 0, 50}, 0.95), 0);
  EXPECT_LT(AccuracyDifferenceLowerBound({0, 1, 0, 0}, 0.95), 0);
}

TEST(PairedComparisonTest, MoreSamplesProveMore) {
  EXPECT_LT(AccuracyDifferenceLowerBound({900, 12, 8, 80}, 0.95), 0);
  EXPECT_GT(AccuracyDifferenceLowerBound({90000, 1200, 800, 8000}, 0.95), 0);
  EXPECT_LT(AccuracyDifferenceLowerBound({90000, 1200, 800, 8000}, 0.95), 0.004);
}

TEST(PairedComparisonTest, MoreConfidenceProvesLess) {
  const PairedCounts counts = {800, 60, 40, 100};
  EXPECT_GT(AccuracyDifferenceLowerBound(counts, 0.9), AccuracyDifferenceLowerBound(counts, 0.99));
  EXPECT_NEAR(AccuracyDifferenceLowerBound(counts, 0.5), AccuracyDifference(counts), 1e-12);
}

// Of 4000 experiments with two models that are equally good, 5 % may say at 95 % that the new one is better; the number
// of them errs by 0.0034 (one standard deviation), and the method is only asymptotically exact.
TEST(PairedComparisonTest, SeldomPublishesWhatIsNotBetter) {
  Rng rng(17);
  int published = 0;
  for (int experiment = 0; experiment < 4000; ++experiment) {
    PairedCounts counts;
    for (int i = 0; i < 400; ++i) {
      const double u = rng.Uniform();
      counts.Add(u < 0.85 || (u >= 0.9 && u < 0.95), u < 0.9);  // 85 % both, 5 % each alone, 5 % neither
    }
    published += AccuracyDifferenceLowerBound(counts, 0.95) > 0 ? 1 : 0;
  }
  EXPECT_NEAR(published / 4000.0, 0.05, 0.015);
}

}  // namespace
}  // namespace beak
