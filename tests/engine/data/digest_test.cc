#include "engine/data/digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/data/classes.h"
#include "engine/data/subset.h"
#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

DataDigest DigestOfX(const SourcePtr& source) {
  const absl::StatusOr<DataDigest> digest = DigestOf(*source, {"x"});
  EXPECT_OK(digest);
  return digest.ok() ? *digest : DataDigest();
}

SourcePtr Subset(const SourcePtr& source, std::vector<int64_t> indices) {
  return *MakeSubset(source, std::move(indices));
}

TEST(DigestTest, TheSameSamplesHaveTheSame) {
  const DataDigest all = DigestOfX(testing::Numbers(5));
  EXPECT_EQ(std::set<Sha256::Digest>(all.samples.begin(), all.samples.end()).size(), 5u);
  const DataDigest part = DigestOfX(Subset(testing::Numbers(9), {4, 0}));
  EXPECT_THAT(part.samples, ElementsAre(all.samples[4], all.samples[0]));
}

TEST(DigestTest, TheWholeDependsOnEverything) {
  const SourcePtr numbers = testing::Numbers(5);
  const Tensor x = Tensor::Of<float>({2, 2}, {0, 0, 1, -1});
  std::set<Sha256::Digest> wholes = {
      DigestOfX(numbers).whole,
      DigestOfX(testing::Numbers(5, 2)).whole,
      DigestOfX(testing::Numbers(6)).whole,
      DigestOfX(Subset(numbers, {1, 0, 2, 3, 4})).whole,
      DigestOfX(*WithClasses(numbers, "label", {}, OnBadSample::kFail)).whole,
      DigestOfX(*WithClasses(numbers, "label", {0, {"a", "b", "c"}}, OnBadSample::kFail)).whole,
      DigestOfX(testing::SourceOf({{"x", x}})).whole,
      DigestOfX(testing::SourceOf({{"x", x.Reshaped({2, 1, 2})}})).whole,
      DigestOfX(testing::SourceOf({{"x", *CastTo(x, DType::kFloat64)}})).whole,
  };
  EXPECT_EQ(wholes.size(), 9u);
  EXPECT_EQ(DigestOfX(testing::Numbers(5)).whole, DigestOfX(numbers).whole);
}

// What is recorded in the lineage of published models must mean the same in a year. Computed with Python's hashlib.
TEST(DigestTest, NeverChanges) {
  EXPECT_EQ(ToHex(DigestOfX(testing::Numbers(2)).whole),
            "40a48c4756dd2e933579e27ae374a2a150b27c23b57f81d8486dc5a678069616");
}

// The same input with another label is the same sample still.
TEST(DigestTest, OverlapIsFoundByInput) {
  const DataDigest a = DigestOfX(Subset(testing::Numbers(9), {5, 3, 8}));
  const DataDigest b = DigestOfX(Subset(testing::Numbers(9, 2), {0, 8, 3, 1}));
  EXPECT_THAT(FindOverlap(a, b), ElementsAre(Pair(2, 1), Pair(1, 2)));
  EXPECT_THAT(FindOverlap(a, DigestOfX(testing::Numbers(3))), IsEmpty());
}

TEST(DigestTest, TellsHowFarItIs) {
  std::vector<std::pair<int64_t, int64_t>> calls;
  ASSERT_OK(
      DigestOf(*testing::Numbers(230), {}, [&](int64_t done, int64_t total) { calls.emplace_back(done, total); }));
  EXPECT_THAT(calls, ElementsAre(Pair(100, 230), Pair(200, 230), Pair(230, 230)));
}

TEST(DigestTest, WantsFieldsThatAreThere) {
  EXPECT_THAT(DigestOf(*testing::Numbers(2), {"y"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace beak::data
