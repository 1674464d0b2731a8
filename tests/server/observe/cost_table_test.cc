#include "server/observe/cost_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

using Key = std::tuple<int, int64_t>;  // threads, rows

std::vector<Key> Keys(const CostCurve& curve) {
  std::vector<Key> keys;
  for (const Cost& cost : curve.costs()) keys.emplace_back(cost.threads, cost.rows);
  return keys;
}

// The figures of exactly this program. REQUIRES: it has been added.
Cost CostOf(const CostTable& table, int64_t rows, int threads) {
  const auto curve = table.curve();
  const Cost* cost = curve->Smallest(rows, threads);
  EXPECT_TRUE(cost != nullptr && cost->rows == rows);
  return *cost;
}

double MeanMs(const CostTable& table, int64_t rows, int threads = 1) {
  return std::chrono::duration<double, std::milli>(CostOf(table, rows, threads).mean).count();
}

// Runs that spread around a mean as those of a real network do.
class Runs {
 public:
  Runs(nanoseconds mean, double sigma, uint32_t seed = 1)
      : random_(seed), log_normal_(std::log(static_cast<double>(mean.count())) - sigma * sigma / 2, sigma) {}
  nanoseconds Next() { return nanoseconds(std::llround(log_normal_(random_))); }

 private:
  std::mt19937 random_;
  std::lognormal_distribution<double> log_normal_;
};

// A run on a machine that has nothing else to do.
void Record(CostTable& table, int64_t rows, int threads, nanoseconds duration) {
  table.Record(rows, threads, duration, duration);
}

void RecordMany(CostTable& table, int64_t rows, int threads, Runs& runs, int count) {
  for (int i = 0; i < count; ++i) Record(table, rows, threads, runs.Next());
}

TEST(CostCurveTest, SmallestIsTheFirstThatHoldsTheRows) {
  const CostCurve curve({{1, 1, milliseconds(1), milliseconds(2)},
                         {4, 1, milliseconds(3), milliseconds(4)},
                         {8, 1, milliseconds(5), milliseconds(6)},
                         {1, 2, milliseconds(1), milliseconds(2)},
                         {16, 2, milliseconds(7), milliseconds(8)}});
  const struct {
    int64_t rows;
    int threads;
    int64_t expected;  // rows of the program; 0: none
  } cases[] = {{1, 1, 1}, {2, 1, 4},  {4, 1, 4},   {5, 1, 8},  {8, 1, 8}, {9, 1, 0}, {INT64_MAX, 1, 0},
               {1, 2, 1}, {2, 2, 16}, {16, 2, 16}, {17, 2, 0}, {1, 3, 0}, {0, 1, 1}};
  for (const auto& c : cases) {
    const Cost* cost = curve.Smallest(c.rows, c.threads);
    EXPECT_EQ(cost == nullptr ? 0 : cost->rows, c.expected) << c.rows << " rows on " << c.threads;
    EXPECT_TRUE(cost == nullptr || cost->threads == c.threads) << c.rows << " rows on " << c.threads;
  }
  EXPECT_EQ(curve.max_rows(), 8) << "on one thread: every program can be run so";
  EXPECT_FALSE(curve.empty());
}

TEST(CostCurveTest, AnEmptyOneHasNoProgram) {
  const CostCurve curve;
  EXPECT_TRUE(curve.empty());
  EXPECT_EQ(curve.Smallest(1, 1), nullptr);
  EXPECT_EQ(curve.max_rows(), 0);
}

TEST(CostTableTest, BeginsEmpty) {
  const CostTable table;
  ASSERT_NE(table.curve(), nullptr);
  EXPECT_TRUE(table.curve()->empty());
}

TEST(CostTableTest, OrdersProgramsByThreadsThenRows) {
  CostTable table;
  for (const auto& [threads, rows] : {Key(2, 4), Key(1, 8), Key(1, 1), Key(2, 1), Key(1, 2), Key(4, 16), Key(1, 16)}) {
    table.Add(rows, threads, milliseconds(rows));
  }
  EXPECT_THAT(Keys(*table.curve()),
              ElementsAre(Key(1, 1), Key(1, 2), Key(1, 8), Key(1, 16), Key(2, 1), Key(2, 4), Key(4, 16)));
  for (const Cost& cost : table.curve()->costs()) EXPECT_EQ(cost.mean, milliseconds(cost.rows));
}

TEST(CostTableTest, AddReplacesWhatWasKnownOfTheSameProgramAlone) {
  CostTable table;
  table.Add(1, 1, milliseconds(1));
  table.Add(1, 2, milliseconds(2));
  table.Add(2, 1, milliseconds(3));
  table.Add(1, 1, milliseconds(7));
  EXPECT_THAT(Keys(*table.curve()), ElementsAre(Key(1, 1), Key(1, 2), Key(2, 1)));
  EXPECT_EQ(CostOf(table, 1, 1).mean, milliseconds(7));
  EXPECT_EQ(CostOf(table, 2, 1).mean, milliseconds(3));
  EXPECT_EQ(CostOf(table, 1, 2).mean, milliseconds(2));
}

TEST(CostTableTest, AFigureThatIsAddedStandsWhateverTheDrift) {
  CostTable table;
  table.Add(1, 1, milliseconds(1));
  for (int i = 0; i < 300; ++i) Record(table, 1, 1, milliseconds(3));
  table.Add(2, 1, milliseconds(5));
  EXPECT_NEAR(MeanMs(table, 2), 5, 1e-3) << "it was measured on the machine as it is now";
}

TEST(CostTableTest, HighLeavesTimeForAThreadThatIsNotScheduledAtOnce) {
  CostTable table;
  table.Add(1, 1, microseconds(10));
  table.Add(64, 1, milliseconds(100));
  EXPECT_GE(CostOf(table, 1, 1).high, microseconds(10 + 100));
  EXPECT_GT(CostOf(table, 64, 1).high, milliseconds(110));
  EXPECT_LT(CostOf(table, 64, 1).high, milliseconds(200));
}

TEST(CostTableTest, DurationsOfNothingAreFigures) {
  CostTable table;
  table.Add(1, 1, nanoseconds(0));
  table.Add(2, 1, nanoseconds(-5));
  for (int i = 0; i < 1000; ++i) Record(table, 1, 1, nanoseconds(i % 2 == 0 ? 0 : -1));
  for (const Cost& cost : table.curve()->costs()) {
    EXPECT_GT(cost.mean.count(), 0) << cost.rows;
    EXPECT_GT(cost.high, cost.mean) << cost.rows;
  }
}

TEST(CostTableTest, UnknownProgramsAreIgnored) {
  CostTable table;
  Record(table, 1, 1, milliseconds(1));
  EXPECT_TRUE(table.curve()->empty());
  table.Add(2, 1, milliseconds(2));
  const auto before = table.curve();
  for (int i = 0; i < 1000; ++i) {
    Record(table, 1, 1, milliseconds(50));
    Record(table, 2, 2, milliseconds(50));
  }
  EXPECT_EQ(table.curve(), before);
}

TEST(CostTableTest, MeansFollowRuns) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));  // a warm-up that was wrong by a factor of two
  Runs runs(milliseconds(20), 0.1);
  RecordMany(table, 1, 1, runs, 300);
  EXPECT_THAT(MeanMs(table, 1), AllOf(Ge(18), Le(22)));
  Runs faster(milliseconds(5), 0.1);
  RecordMany(table, 1, 1, faster, 600);
  EXPECT_THAT(MeanMs(table, 1), AllOf(Ge(4.5), Le(5.5)));
}

TEST(CostTableTest, ABusyMachineMakesAllProgramsSlower) {
  CostTable table;
  table.Add(1, 1, milliseconds(1));
  table.Add(8, 1, milliseconds(6));
  table.Add(8, 2, milliseconds(3));
  for (int i = 0; i < 500; ++i) table.Record(1, 1, milliseconds(1), milliseconds(2));
  EXPECT_NEAR(MeanMs(table, 1), 2, 0.05);
  EXPECT_NEAR(MeanMs(table, 8), 12, 0.3) << "though it never ran";
  EXPECT_NEAR(MeanMs(table, 8, 2), 6, 0.2);
  for (int i = 0; i < 500; ++i) Record(table, 1, 1, milliseconds(1));
  EXPECT_NEAR(MeanMs(table, 1), 1, 0.05);
  EXPECT_NEAR(MeanMs(table, 8), 6, 0.2) << "it has gone again";
}

TEST(CostTableTest, TellsAWrongFigureFromABusyMachine) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));  // 20 in truth
  table.Add(8, 1, milliseconds(40));  // right
  Runs one(milliseconds(20), 0.1);
  Runs eight(milliseconds(40), 0.1, 2);
  for (int i = 0; i < 2000; ++i) {
    Record(table, 1, 1, one.Next());
    Record(table, 8, 1, eight.Next());
  }
  EXPECT_THAT(MeanMs(table, 1), AllOf(Ge(18), Le(22)));
  EXPECT_THAT(MeanMs(table, 8), AllOf(Ge(36), Le(44)));
}

TEST(CostTableTest, TheCurveFollowsAProgramWhoseChangeOthersBalance) {
  CostTable table;
  table.Add(1, 1, milliseconds(100));
  table.Add(2, 1, milliseconds(100));
  // So few that neither the drift nor the margin has moved much, while each figure has gone 25 steps of 2 % of the
  // difference.
  for (int i = 0; i < 25; ++i) {
    Record(table, 1, 1, milliseconds(130));
    Record(table, 2, 1, milliseconds(70));
  }
  EXPECT_GT(MeanMs(table, 1), 106);
  EXPECT_LT(MeanMs(table, 2), 94);
}

TEST(CostTableTest, OneOutlierDoesNotWreckTheMeans) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));
  table.Add(8, 1, milliseconds(60));
  Runs runs(milliseconds(10), 0.05);
  RecordMany(table, 1, 1, runs, 500);
  Record(table, 1, 1, std::chrono::hours(1));
  EXPECT_LT(MeanMs(table, 1), 12);
  EXPECT_LT(MeanMs(table, 8), 72);
  RecordMany(table, 1, 1, runs, 100);
  EXPECT_NEAR(MeanMs(table, 1), 10, 0.5);
  EXPECT_NEAR(MeanMs(table, 8), 60, 4);
}

TEST(CostTableTest, ASmallShareOfOutliersDoesNotEither) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));
  Runs runs(milliseconds(10), 0.05);
  double most = 0;
  for (int i = 0; i < 5000; ++i) {
    Record(table, 1, 1, i % 100 == 99 ? milliseconds(1000) : runs.Next());
    most = std::max(most, MeanMs(table, 1));
  }
  EXPECT_LT(most, 12.5);
  EXPECT_LT(CostOf(table, 1, 1).high, milliseconds(10 * 10)) << "the margin has a bound";
}

// The share of runs that exceed what the curve said of them before, once the table knows their kind.
double ShareAboveHigh(CostTable& table, double sigma, uint32_t seed) {
  Runs runs(milliseconds(10), sigma, seed);
  RecordMany(table, 1, 1, runs, 20'000);
  constexpr int kRuns = 100'000;
  int above = 0;
  for (int i = 0; i < kRuns; ++i) {
    const nanoseconds high = CostOf(table, 1, 1).high;
    const nanoseconds run = runs.Next();
    above += run > high ? 1 : 0;
    Record(table, 1, 1, run);
  }
  return above / static_cast<double>(kRuns);
}

TEST(CostTableTest, AboutTwoRunsInAHundredExceedHigh) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));
  const auto about_two_in_a_hundred = AllOf(Ge(0.01), Le(0.035));
  const auto margin = [&] {
    const Cost cost = CostOf(table, 1, 1);
    return static_cast<double>(cost.high.count()) / static_cast<double>(cost.mean.count());
  };
  EXPECT_THAT(ShareAboveHigh(table, 0.15, 1), about_two_in_a_hundred) << "from what is assumed at first";
  EXPECT_THAT(margin(), AllOf(Ge(1.15), Le(1.8)));
  EXPECT_THAT(ShareAboveHigh(table, 0.5, 2), about_two_in_a_hundred) << "after the machine has become noisy";
  EXPECT_THAT(margin(), AllOf(Ge(1.8), Le(5)));
  EXPECT_THAT(ShareAboveHigh(table, 0.15, 3), about_two_in_a_hundred) << "after it has become quiet again";
  EXPECT_THAT(margin(), AllOf(Ge(1.15), Le(1.8)));
}

TEST(CostTableTest, RunsThatWereStoppedCountAsLong) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));
  table.Add(1, 2, milliseconds(6));
  for (int i = 0; i < 200; ++i) Record(table, 1, 1, milliseconds(10));
  const Cost before = CostOf(table, 1, 1);
  EXPECT_LT(before.high, milliseconds(11));
  for (int i = 0; i < 5; ++i) table.RecordStopped(1, 1, milliseconds(20));
  EXPECT_GT(CostOf(table, 1, 1).high, milliseconds(20)) << "five of the last hundred and more were longer than that";
  EXPECT_EQ(CostOf(table, 1, 1).mean, before.mean) << "by how much is not known";
  table.RecordStopped(4, 1, milliseconds(20));  // unknown
}

TEST(CostTableTest, RunsThatNeverVaryStillHaveAMargin) {
  CostTable table;
  table.Add(1, 1, milliseconds(10));
  for (int i = 0; i < 20'000; ++i) Record(table, 1, 1, milliseconds(10));
  EXPECT_EQ(CostOf(table, 1, 1).mean, milliseconds(10));
  EXPECT_THAT(CostOf(table, 1, 1).high, AllOf(Ge(microseconds(10'500)), Le(milliseconds(11))));
}

TEST(CostTableTest, ACurveThatIsHeldNeverChanges) {
  CostTable table;
  table.Add(1, 1, milliseconds(1));
  const auto held = table.curve();
  const Cost* cost = held->Smallest(1, 1);
  EXPECT_EQ(table.curve(), held) << "nothing has happened";
  table.Add(1, 1, milliseconds(9));
  table.Add(2, 1, milliseconds(9));
  for (int i = 0; i < 1000; ++i) Record(table, 1, 1, milliseconds(20));
  EXPECT_NE(table.curve(), held);
  EXPECT_EQ(held->costs().size(), 1u);
  EXPECT_EQ(held->Smallest(1, 1), cost);
  EXPECT_EQ(cost->mean, milliseconds(1));
}

TEST(CostTableTest, RecordersAndReadersShareIt) {
  CostTable table;
  for (const int64_t rows : {1, 2, 4}) table.Add(rows, 1, milliseconds(rows));
  std::atomic<int> recording{3};
  std::vector<std::thread> threads;
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 5000; ++i) {
        const int64_t rows = int64_t{1} << random() % 3;
        Record(table, rows, 1, milliseconds(rows) + microseconds(random() % 10));
      }
      --recording;
    });
  }
  threads.emplace_back([&] {
    for (int64_t rows = 8; rows <= 512; rows *= 2) table.Add(rows, 1, milliseconds(rows));
  });
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      size_t programs = 3;
      do {
        const auto curve = table.curve();
        ASSERT_GE(curve->costs().size(), programs) << "programs only come";
        programs = curve->costs().size();
        for (size_t i = 0; i < programs; ++i) {
          const Cost& cost = curve->costs()[i];
          ASSERT_EQ(cost.rows, int64_t{1} << i);
          ASSERT_GT(cost.high, cost.mean);
        }
      } while (recording > 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.curve()->max_rows(), 512);
  for (const int64_t rows : {1, 2, 4}) EXPECT_NEAR(MeanMs(table, rows), static_cast<double>(rows), 0.05 * rows);
}

// The machine interrupts as it likes; what a program computes is not in question.
TEST(CostTableTest, InterruptionsDoNotMoveFiguresAgainstEachOther) {
  CostTable table;
  std::mt19937 random(3);
  std::lognormal_distribution<double> noise(0, 0.8);
  table.Add(1, 1, microseconds(10));
  table.Add(8, 1, microseconds(60));
  for (int i = 0; i < 100'000; ++i) {
    const double stretch = std::max(1.0, noise(random));
    table.Record(1, 1, microseconds(10), nanoseconds(static_cast<int64_t>(10'000 * stretch)));
  }
  EXPECT_NEAR(MeanMs(table, 8) / MeanMs(table, 1), 6, 0.01);
}

}  // namespace
}  // namespace beak
