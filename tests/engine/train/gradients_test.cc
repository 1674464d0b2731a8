#include "engine/train/gradients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::IsEmpty;
using enum Flavour;

class GradientsTest : public ::testing::Test {
 protected:
  std::vector<float> a_ = {3, -4};     // norm 5
  std::vector<float> b_ = {12, 0, 0};  // norm 12; both 13
  std::vector<std::span<float>> both_ = {a_, b_};
};

TEST_F(GradientsTest, Norms) {
  EXPECT_EQ(Norm(a_), 5);
  EXPECT_EQ(Norm(b_), 12);
  EXPECT_EQ(GlobalNorm(both_), 13);
  EXPECT_EQ(Norm({}), 0);
}

// 10,007 numbers of 1e30 would overflow as float32 squares; the sum is exact to a few units in the last place of
// double.
TEST_F(GradientsTest, NormsAreInDouble) {
  const std::vector<float> large(10007, 1e30f);
  EXPECT_NEAR(Norm(large) / (double{1e30f} * std::sqrt(10007.0)), 1, 1e-13);
}

TEST_F(GradientsTest, TheGlobalNormHasTheSameBitsOnAnyNumberOfThreads) {
  std::vector<float> large(100'003);
  for (size_t i = 0; i < large.size(); ++i) large[i] = std::sin(static_cast<float>(i));
  const std::vector<std::span<float>> gradients = {a_, large, b_};
  const double norm = GlobalNorm(gradients);
  EXPECT_NEAR(norm, std::hypot(13, Norm(large)), 1e-9);
  for (const int threads : {2, 3}) EXPECT_EQ(GlobalNorm(gradients, threads), norm);
}

TEST_F(GradientsTest, TheGlobalNormIsFiniteWhereAllElementsAre) {
  a_[0] = b_[0] = std::numeric_limits<float>::max();
  EXPECT_TRUE(std::isfinite(GlobalNorm(both_)));
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    b_[1] = wrong;
    EXPECT_FALSE(std::isfinite(GlobalNorm(both_)));
  }
}

TEST_F(GradientsTest, FindsWhatIsNotFinite) {
  EXPECT_EQ(FirstNonFinite(both_), std::nullopt);
  b_[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(FirstNonFinite(both_), 1u);
  a_[0] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(FirstNonFinite(both_), 0u);
  a_[0] = std::numeric_limits<float>::max();
  b_[2] = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(FirstNonFinite(both_), std::nullopt);
}

TEST_F(GradientsTest, WithoutClippingNothingChanges) {
  ClipGradients({}, GlobalNorm(both_), both_);
  EXPECT_THAT(a_, ElementsAre(3, -4));
}

TEST_F(GradientsTest, ClipsByValue) {
  ClipGradients({kKeras, ClipKind::kValue, 3.5}, GlobalNorm(both_), both_);
  EXPECT_THAT(a_, ElementsAre(3, -3.5f));
  EXPECT_THAT(b_, ElementsAre(3.5f, 0, 0));
}

TEST_F(GradientsTest, ClipsEachParameterByItsNorm) {
  ClipGradients({kKeras, ClipKind::kNorm, 6}, GlobalNorm(both_), both_);
  EXPECT_THAT(a_, ElementsAre(3, -4));  // 5 is below the limit
  EXPECT_THAT(b_, ElementsAre(6, 0, 0));
}

TEST_F(GradientsTest, ClipsAllByTheGlobalNorm) {
  ClipGradients({kKeras, ClipKind::kGlobalNorm, 6.5}, GlobalNorm(both_), both_);
  EXPECT_THAT(a_, ElementsAre(1.5f, -2));
  EXPECT_THAT(b_, ElementsAre(6, 0, 0));
}

// A norm of 1e-6 shows PyTorch's constant: 1e-6 / (1e-6 + 1e-6).
TEST_F(GradientsTest, PyTorchAddsItsConstantToTheNorm) {
  std::vector<float> small = {1e-6f};
  std::vector<std::span<float>> gradients = {small};
  ClipGradients({kPyTorch, ClipKind::kNorm, 1e-6}, GlobalNorm(gradients), gradients);
  EXPECT_THAT(small, ElementsAre(FloatEq(0.5e-6f)));
  small = {1e-6f};
  ClipGradients({kPyTorch, ClipKind::kGlobalNorm, 1e-6}, GlobalNorm(gradients), gradients);
  EXPECT_THAT(small, ElementsAre(FloatEq(0.5e-6f)));
  small = {1e-6f};
  ClipGradients({kKeras, ClipKind::kNorm, 1e-6}, GlobalNorm(gradients), gradients);
  EXPECT_THAT(small, ElementsAre(FloatEq(1e-6f)));
}

TEST_F(GradientsTest, ZeroGradientsStayZero) {
  std::vector<float> zeros = {0, 0};
  std::vector<std::span<float>> gradients = {zeros};
  for (const ClipKind kind : {ClipKind::kValue, ClipKind::kNorm, ClipKind::kGlobalNorm}) {
    ClipGradients({kKeras, kind, 1}, GlobalNorm(gradients), gradients);
    EXPECT_THAT(zeros, ElementsAre(0, 0));
  }
}

TEST_F(GradientsTest, LimitsAreValidated) {
  EXPECT_THAT(Validate(ClipOptions{}), IsEmpty());
  EXPECT_THAT(Validate(ClipOptions{kKeras, ClipKind::kNorm, 1}), IsEmpty());
  EXPECT_THAT(Validate(ClipOptions{kKeras, ClipKind::kNorm, 0}),
              ElementsAre("clip limit: expected a number in [1e-30, 1e30], got 0"));
  EXPECT_THAT(Validate(ClipOptions{kKeras, ClipKind::kNone, 1}),
              ElementsAre("clip limit: expected 0 without clipping, got 1"));
}

TEST_F(GradientsTest, AccumulatesTheMean) {
  GradientAccumulator accumulator;
  for (int round = 0; round < 2; ++round) {
    a_ = {1, 2};
    b_ = {3, 4, 5};
    accumulator.Add(both_);
    a_ = {3, 4};
    b_ = {5, 6, 7};
    accumulator.Add(both_);
    EXPECT_EQ(accumulator.count(), 2);
    accumulator.TakeMean(both_);
    EXPECT_THAT(a_, ElementsAre(2, 3));
    EXPECT_THAT(b_, ElementsAre(4, 5, 6));
    EXPECT_EQ(accumulator.count(), 0);
  }
}

}  // namespace
}  // namespace beak
