#include "engine/tensor/close.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

TEST(ExpectCloseTest, ToleranceGrowsWithTheValueAndWithTheLargest) {
  EXPECT_THAT(ExpectClose(Floats({1000.9f}), Floats({1000})), IsOk());
  EXPECT_THAT(ExpectClose(Floats({1002}), Floats({1000})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Floats({0.9e-5f}), Floats({0})), IsOk());
  EXPECT_THAT(ExpectClose(Floats({1.1e-5f}), Floats({0})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Floats({0.9e-3f, 100}), Floats({0, 100})), IsOk());
  EXPECT_THAT(ExpectClose(Floats({1.1e-3f, 100}), Floats({0, 100})), Not(IsOk()));
}

TEST(ExpectCloseTest, TellsTheWorstElement) {
  EXPECT_THAT(
      ExpectClose(Floats({1, 2, 9}), Floats({1, 2.5f, 3})),
      StatusIs(absl::StatusCode::kInternal, HasSubstr("expected 3 at element 2, got 9 (2 of 3 elements differ)")));
}

TEST(ExpectCloseTest, WhatIsNotFiniteMustBeTheSame) {
  const Tensor odd = Floats({NAN, kInfinity, -kInfinity});
  EXPECT_THAT(ExpectClose(odd, odd), IsOk());
  EXPECT_THAT(ExpectClose(Floats({NAN}), Floats({1})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Floats({1}), Floats({NAN})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Floats({kInfinity}), Floats({-kInfinity})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Floats({3e38f}), Floats({kInfinity})), Not(IsOk()));
}

TEST(ExpectCloseTest, Float16IsLessExact) {
  const auto halves = [](float value) { return CastTo(Floats({value}), DType::kFloat16).value(); };
  EXPECT_THAT(ExpectClose(halves(100.5f), halves(100)), IsOk());
  EXPECT_THAT(ExpectClose(halves(102), halves(100)), Not(IsOk()));
}

TEST(ExpectCloseTest, IntegersAndTypesAndShapesAreExact) {
  EXPECT_THAT(ExpectClose(Tensor::Of<int64_t>({2}, {1, 2}), Tensor::Of<int64_t>({2}, {1, 2})), IsOk());
  EXPECT_THAT(ExpectClose(Tensor::Of<int64_t>({2}, {1, 3}), Tensor::Of<int64_t>({2}, {1, 2})),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("expected 2 at element 1, got 3")));
  EXPECT_THAT(ExpectClose(Tensor::Of<int32_t>({1}, {1}), Tensor::Of<int64_t>({1}, {1})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Tensor::Of<int32_t>({1}, {1}), Tensor::Of<int32_t>({}, {1})), Not(IsOk()));
  EXPECT_THAT(ExpectClose(Tensor::Of<float>({0}, {}), Tensor::Of<float>({0}, {})), IsOk());
}

}  // namespace
}  // namespace beak
