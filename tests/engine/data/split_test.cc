#include "engine/data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/data/classes.h"
#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// The numbers of Numbers()'s samples that are in `source`.
std::vector<int64_t> Members(const SourcePtr& source) {
  std::vector<int64_t> members;
  for (int64_t i = 0; i < source->size(); ++i) {
    members.push_back(static_cast<int64_t>(source->ReadField(i, 0)->values<float>()[0]));
  }
  return members;
}

std::map<int64_t, int> CountLabels(const SourcePtr& source) {
  std::map<int64_t, int> counts;
  const absl::StatusOr<std::vector<int64_t>> labels = ReadScalars(*source, "label");
  EXPECT_OK(labels);
  for (const int64_t label : *labels) ++counts[label];
  return counts;
}

TEST(SplitTest, EverySampleIsInOnePart) {
  ASSERT_OK_AND_ASSIGN(const Split split, SplitByFraction(testing::Numbers(103), 0.2, 7));
  EXPECT_EQ(split.held_out->size(), 21);
  std::vector<int64_t> training = Members(split.training);
  std::vector<int64_t> held_out = Members(split.held_out);
  EXPECT_TRUE(std::ranges::is_sorted(training) && std::ranges::is_sorted(held_out));
  training.insert(training.end(), held_out.begin(), held_out.end());
  std::ranges::sort(training);
  for (int64_t i = 0; i < 103; ++i) EXPECT_EQ(training[static_cast<size_t>(i)], i);
}

TEST(SplitTest, DependsOnTheSeedAlone) {
  const auto held_out = [](uint64_t seed) {
    return Members(SplitByFraction(testing::Numbers(100), 0.3, seed, "label")->held_out);
  };
  EXPECT_EQ(held_out(1), held_out(1));
  EXPECT_NE(held_out(1), held_out(2));
}

// 3 classes of 34, 33 and 33: a tenth is 3.4, 3.3, 3.3, together 10; the one more goes to the class that lost 0.4.
TEST(SplitTest, KeepsTheShareOfEachClass) {
  ASSERT_OK_AND_ASSIGN(const Split split, SplitByFraction(testing::Numbers(100), 0.1, 7, "label"));
  EXPECT_THAT(CountLabels(split.held_out), UnorderedElementsAre(Pair(0, 4), Pair(1, 3), Pair(2, 3)));
  EXPECT_THAT(CountLabels(split.training), UnorderedElementsAre(Pair(0, 30), Pair(1, 30), Pair(2, 30)));
}

TEST(SplitTest, ByIndicesHoldsOutThose) {
  ASSERT_OK_AND_ASSIGN(const Split split, SplitByIndices(testing::Numbers(5), {3, 1}));
  EXPECT_THAT(Members(split.held_out), ElementsAre(3, 1));
  EXPECT_THAT(Members(split.training), ElementsAre(0, 2, 4));
}

TEST(SplitTest, SaysWhatItCannotDo) {
  const auto expect = [](const absl::StatusOr<Split>& split, const std::string& message) {
    EXPECT_THAT(split, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  for (const double fraction : {0.0, 1.0, -0.5, std::nan("")}) {
    expect(SplitByFraction(testing::Numbers(5), fraction, 0), "a fraction in (0, 1)");
  }
  expect(SplitByFraction(testing::Numbers(5), 0.01, 0), "split: held-out part: subset: expected at least one sample");
  expect(SplitByFraction(testing::Numbers(5), 0.99, 0), "split: training part: subset: expected at least one sample");
  expect(SplitByFraction(testing::Numbers(5), 0.5, 0, "x"), "one integer a sample");
  expect(SplitByIndices(testing::Numbers(5), {1, 1}), "got 1 twice");
}

}  // namespace
}  // namespace beak::data
