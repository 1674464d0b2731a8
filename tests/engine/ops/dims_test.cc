#include "engine/ops/dims.h"

#include <gtest/gtest.h>

#include <limits>

namespace beak {
namespace {

const Dim kN = Dim::Symbol("n");
const Dim kM = Dim::Symbol("m");
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string Text(const Dim& dim) { return ToString(PartialShape{dim}); }

TEST(DimsTest, EqualityIsThreeValued) {
  EXPECT_TRUE(MayBeEqual(2, 2));
  EXPECT_FALSE(MayBeEqual(2, 3));
  EXPECT_TRUE(MayBeEqual(kN, 3));
  EXPECT_TRUE(MayBeEqual(kN, kM));
  EXPECT_TRUE(MayBeEqual(Dim(), Dim()));
}

TEST(DimsTest, BetterPrefersNumbersThenSymbols) {
  EXPECT_EQ(Text(Better(kN, 3)), "[3]");
  EXPECT_EQ(Text(Better(3, kN)), "[3]");
  EXPECT_EQ(Text(Better(Dim(), kN)), "[n]");
  EXPECT_EQ(Text(Better(kN, Dim())), "[n]");
}

TEST(DimsTest, ArithmeticIsExactOrUnknown) {
  EXPECT_EQ(Text(AddDims(2, 3)), "[5]");
  EXPECT_EQ(Text(AddDims(0, kN)), "[n]");
  EXPECT_EQ(Text(AddDims(kN, 1)), "[?]");
  EXPECT_EQ(Text(AddDims(kMax, 1)), "[?]");
  EXPECT_EQ(Text(SubtractDims(5, 3)), "[2]");
  EXPECT_EQ(Text(SubtractDims(3, 5)), "[?]");
  EXPECT_EQ(Text(SubtractDims(kN, kN)), "[0]");
  EXPECT_EQ(Text(SubtractDims(kN, 0)), "[n]");
  EXPECT_EQ(Text(SubtractDims(kN, kM)), "[?]");
  EXPECT_EQ(Text(MultiplyDims(2, 3)), "[6]");
  EXPECT_EQ(Text(MultiplyDims(1, kN)), "[n]");
  EXPECT_EQ(Text(MultiplyDims(kN, 0)), "[0]");
  EXPECT_EQ(Text(MultiplyDims(kN, 2)), "[?]");
  EXPECT_EQ(Text(MultiplyDims(kMax, 2)), "[?]");
  EXPECT_EQ(Text(DivideDims(7, 2)), "[3]");
  EXPECT_EQ(Text(DivideDims(kN, 1)), "[n]");
  EXPECT_EQ(Text(DivideDims(7, 0)), "[?]");
  EXPECT_EQ(Text(DivideDims(kN, 2)), "[?]");
}

TEST(DimsTest, ProductsKeepOneSymbol) {
  EXPECT_EQ(Text(ProductOfDims({})), "[1]");
  EXPECT_EQ(Text(ProductOfDims(std::vector<Dim>{1, kN, 1})), "[n]");
  EXPECT_EQ(Text(ProductOfDims(std::vector<Dim>{2, kN})), "[?]");
  EXPECT_EQ(Text(ProductOfDims(std::vector<Dim>{kN, kM, 0})), "[0]");
  EXPECT_EQ(Text(ProductOfDims(std::vector<Dim>{kMax, kMax, 0})), "[0]");
}

TEST(DimsTest, BroadcastKeepsWhatIsSure) {
  EXPECT_EQ(ToString(*BroadcastDims({kN, 1, 3}, {kM, 3})), "[n, m, 3]");
  EXPECT_EQ(ToString(*BroadcastDims({kN}, {kM})), "[?]");
  EXPECT_EQ(ToString(*BroadcastDims({Dim()}, {Dim()})), "[?]");
  EXPECT_EQ(ToString(*BroadcastDims({Dim()}, {1})), "[?]");
  EXPECT_EQ(ToString(*BroadcastDims({5}, {kN})), "[5]");
  EXPECT_EQ(ToString(*BroadcastDims({kN}, {5})), "[5]");
  EXPECT_EQ(ToString(*BroadcastDims({}, {kN})), "[n]");
  EXPECT_FALSE(BroadcastDims({2}, {3}).ok());
  EXPECT_FALSE(BroadcastDims({0}, {2}).ok());
}

std::string Reshape(const PartialShape& input, const std::vector<Dim>& target) {
  const absl::StatusOr<PartialShape> output = ResolveReshape(input, target, false);
  return output.ok() ? ToString(*output) : output.status().ToString();
}

TEST(DimsTest, ReshapeCancelsSymbols) {
  EXPECT_EQ(Reshape({kN, 25, 5}, {Dim(), 125}), "[n, 125]");
  EXPECT_EQ(Reshape({kN, kM, 6}, {kN, Dim(), 6}), "[n, m, 6]");
  EXPECT_EQ(Reshape({kN, kM, 6}, {Dim(), 6}), "[?, 6]");
  EXPECT_EQ(Reshape({kN, 6}, {kN, Dim()}), "[n, 6]");
  EXPECT_EQ(Reshape({kN, 6}, {kM, Dim()}), "[m, ?]");
  EXPECT_EQ(Reshape({kN, 6}, {Dim(), 4}), "[?, 4]");
  EXPECT_EQ(Reshape({kN, 6}, {Dim(), Dim()}), "[?, ?]");
  EXPECT_EQ(Reshape({Dim(), 6}, {Dim(), 6}), "[?, 6]");
  EXPECT_EQ(Reshape({kN, kN}, {kN, Dim()}), "[n, n]");
  EXPECT_EQ(Reshape({Dim(), 2, 3}, {0, Dim()}), "[?, 6]");
  EXPECT_EQ(Reshape({0, 2, 3}, {0, Dim()}), "[0, 6]");
}

TEST(DimsTest, ReshapeRefusesOtherCounts) {
  EXPECT_NE(Reshape({kN, 6}, {kN, 7}).find("expected as many elements"), std::string::npos);
  EXPECT_NE(Reshape({7}, {Dim(), 2}).find("expected as many elements"), std::string::npos);
  EXPECT_NE(Reshape({kMax, kMax}, {Dim()}).find("expected as many elements"), std::string::npos);
  EXPECT_EQ(Reshape({kN, 6}, {12}), "[12]") << "right where n is 2";
}

}  // namespace
}  // namespace beak
