#include "server/models/warm_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/server/support/networks.h"
#include "tests/server/support/programs.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LoadNetwork;
using testing::StatusIs;

constexpr int kFloat = 1;  // ONNX's number

using Key = std::pair<int, int64_t>;  // threads, rows

std::vector<Key> Prepared(ProgramSet& programs) {
  std::vector<Key> keys;
  for (const Cost& cost : programs.costs().curve()->costs()) keys.emplace_back(cost.threads, cost.rows);
  return keys;
}

TEST(WorthDoublingTest, UntilTwoDoublingsHaveGainedNothing) {
  const struct {
    std::vector<double> per_row;
    bool worth;
    const char* why;
  } cases[] = {
      {{}, true, "nothing is known"},
      {{10}, true, "one size says nothing of the next"},
      {{10, 12}, true, "one doubling that loses may be followed by one that gains"},
      {{10, 10, 10}, false, "flat"},
      {{10, 12, 14}, false, "each is worse"},
      {{10, 5, 2.5}, true, "each gains half"},
      {{10, 12, 9}, true, "the second gains, after all"},
      {{10, 9, 12}, true, "the first of the two gained"},
      {{10, 9, 12, 11}, false, "neither is better than the best before"},
      {{10, 9, 12, 8}, true, "the second is"},
      {{10, 9.9, 9.85}, false, "1.5 % in two doublings"},
      {{10, 9.9, 9.79}, true, "2.1 % in two doublings"},
      {{10, 5, 4.99, 4.98}, false, "the large gain is over"},
      {{5, 10, 9.9, 9.7}, false, "the best is one row"},
  };
  for (const auto& c : cases) EXPECT_EQ(WorthDoubling(c.per_row), c.worth) << c.why;
}

TEST(WarmUpTest, PreparesDoublingSizesForOneThreadAndForAll) {
  // The weights are read once a batch: larger ones are worth it at first.
  ProgramSet programs(LoadNetwork(testing::SlowNetwork(256, 4)), {{256}}, true, 2);
  WarmUpOptions options;
  options.max_rows = 8;
  options.threads = 2;
  int told = 0;
  options.prepared = [&] {
    ++told;
    EXPECT_EQ(Prepared(programs).size(), static_cast<size_t>(told)) << "told of each as soon as it can be chosen";
  };
  ASSERT_OK(WarmUp(programs, options));
  const std::vector<Key> keys = Prepared(programs);
  EXPECT_EQ(told, static_cast<int>(keys.size()));
  ASSERT_EQ(keys.size() % 2, 0u);
  const size_t sizes = keys.size() / 2;
  EXPECT_GE(sizes, 3u) << "two doublings at least tell whether more are worth it";
  EXPECT_LE(sizes, 4u) << "1, 2, 4, 8";
  for (size_t i = 0; i < sizes; ++i) {
    EXPECT_EQ(keys[i], Key(1, int64_t{1} << i));
    EXPECT_EQ(keys[sizes + i], Key(2, int64_t{1} << i));
  }
}

TEST(WarmUpTest, PreparesNothingBeyondTheMostRows) {
  for (const int64_t max_rows : {1, 2, 3}) {
    ProgramSet programs(LoadNetwork(testing::ScaleNetwork(2)), {{2}}, true, 1);
    WarmUpOptions options;
    options.max_rows = max_rows;
    ASSERT_OK(WarmUp(programs, options));
    EXPECT_EQ(programs.costs().curve()->max_rows(), max_rows == 1 ? 1 : 2) << max_rows;
  }
}

TEST(WarmUpTest, PreferredSizesAreAlwaysThere) {
  ProgramSet programs(LoadNetwork(testing::ScaleNetwork(2)), {{2}}, true, 2);
  WarmUpOptions options;
  options.max_rows = 1000;
  options.preferred_rows = {3, 777};
  options.threads = 2;
  ASSERT_OK(WarmUp(programs, options));
  for (const int64_t rows : {1, 2, 3, 777}) {
    for (const int threads : {1, 2}) EXPECT_TRUE(programs.Has(rows, threads)) << rows << " on " << threads;
  }
}

TEST(WarmUpTest, APreferredSizeThatCannotBeHadIsAnError) {
  ProgramSet programs(LoadNetwork(testing::ScaleNetwork(2)), {{2}}, true, 1);
  WarmUpOptions options;
  options.preferred_rows = {int64_t{1} << 60};
  EXPECT_FALSE(WarmUp(programs, options).ok());
}

TEST(WarmUpTest, StopsDoublingBeforeARunTakesTooMuchMemory) {
  constexpr int kColumns = 20'000'000;  // 80 MB a row
  ProgramSet programs(LoadNetwork(testing::WideNetwork(kColumns, /*mixes=*/false)), {{1}}, true, 1);
  WarmUpOptions options;
  options.max_rows = 64;
  ASSERT_OK(WarmUp(programs, options));
  EXPECT_LE(programs.costs().curve()->max_rows(), 2) << "fewer where a run takes long";
}

TEST(WarmUpTest, ShapesThatTheNetworkCannotTakeAreAnError) {
  ProgramSet programs(LoadNetwork(testing::ScaleNetwork(2)), {{3}}, true, 1);
  WarmUpOptions options;
  int told = 0;
  options.prepared = [&] { ++told; };
  EXPECT_THAT(WarmUp(programs, options), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(told, 0);
}

TEST(WarmUpTest, StopsWhenTold) {
  CancelToken stop;
  ProgramSet programs(LoadNetwork(testing::ScaleNetwork(2)), {{2}}, true, 2);
  WarmUpOptions options;
  options.max_rows = 64;
  options.stop = &stop;
  stop.Cancel();
  EXPECT_THAT(WarmUp(programs, options), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(Prepared(programs), IsEmpty());
}

// Whatever it is about to prepare next.
TEST(WarmUpTest, StopsAfterTheProgramThatItIsAbout) {
  // 1, 2 by doubling; 3, 5 because they are preferred; then all for two threads.
  constexpr int kAll = 8;
  for (int until = 1; until < kAll; ++until) {
    CancelToken stop;
    ProgramSet programs(LoadNetwork(testing::ScaleNetwork(2)), {{2}}, true, 2);
    WarmUpOptions options;
    options.max_rows = 3;
    options.preferred_rows = {3, 5};
    options.threads = 2;
    options.stop = &stop;
    int told = 0;
    options.prepared = [&] {
      if (++told == until) stop.Cancel();
    };
    EXPECT_THAT(WarmUp(programs, options), StatusIs(absl::StatusCode::kCancelled)) << until;
    EXPECT_EQ(told, until);
    EXPECT_EQ(Prepared(programs).size(), static_cast<size_t>(until));
  }
}

TEST(WarmUpTest, RowsThatDependOnEachOtherAreRefused) {
  const struct {
    std::string network;
    std::vector<Shape> row_shapes;
    const char* what;
  } cases[] = {
      {testing::GatherNetwork(), {{4}, {}}, "indices into the batch"},
      {testing::CentredNetwork(kFloat), {{2}}, "a mean over the batch"},
      {testing::PairsNetwork(), {{1}}, "other rows in the output, but for one"},
  };
  for (const auto& c : cases) {
    ProgramSet programs(LoadNetwork(c.network), c.row_shapes, true, 1);
    WarmUpOptions options;
    options.max_rows = 8;
    // Whoever schedules may look at any time: there must never be anything to choose but single rows.
    options.prepared = [&] { EXPECT_EQ(programs.costs().curve()->max_rows(), 1) << c.what; };
    EXPECT_THAT(WarmUp(programs, options),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("max_batch_size: 0")))
        << c.what;
    EXPECT_EQ(programs.costs().curve()->max_rows(), 1) << c.what;
    EXPECT_FALSE(programs.Has(2, 1)) << c.what;
  }
}

TEST(WarmUpTest, SingleRowsMayDependOnWhatTheyLike) {
  ProgramSet programs(LoadNetwork(testing::CentredNetwork(kFloat)), {{2}}, true, 1);
  EXPECT_OK(WarmUp(programs, {}));
}

TEST(WarmUpTest, PreferredSizesAreCheckedToo) {
  // So large that it is not doubled.
  constexpr int kColumns = 40'000'000;
  ProgramSet programs(LoadNetwork(testing::WideNetwork(kColumns, /*mixes=*/true)), {{1}}, true, 1);
  WarmUpOptions options;
  options.max_rows = 3;
  options.preferred_rows = {3};
  EXPECT_THAT(WarmUp(programs, options), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(programs.costs().curve()->max_rows(), 1);
  EXPECT_GT(2 * programs.WorkspaceBytes(1, 1), size_t{256} << 20) << "the test is about another case";
}

}  // namespace
}  // namespace beak
