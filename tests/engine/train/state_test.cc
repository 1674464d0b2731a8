#include "engine/train/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;

TEST(NamedStateTest, APartGoesInAndComesOut) {
  const NamedState part = {{{"w", Tensor::Of<float>({2}, {3, 4})}}, {{"step", 7}}};
  NamedState whole = {{{"w", Tensor::Of<float>({1}, {1})}}, {{"best", 1}, {"zero", 0}}};
  const NamedState before = whole;
  PutPart("optimizer/", part, whole);
  EXPECT_EQ(whole.tensors.at("optimizer/w").values<float>()[1], 4);
  EXPECT_EQ(whole.numbers.at("optimizer/step"), 7);
  const NamedState taken = TakePart("optimizer/", whole);
  EXPECT_EQ(taken.numbers, part.numbers);
  ASSERT_EQ(taken.tensors.size(), 1u);
  EXPECT_EQ(taken.tensors.at("w").values<float>()[0], 3);
  EXPECT_EQ(whole.numbers, before.numbers);
  EXPECT_EQ(whole.tensors.size(), 1u);
  EXPECT_EQ(TakePart("optimizer/", whole).numbers.size(), 0u);
}

TEST(StateReaderTest, TakesWhatIsThere) {
  const NamedState state = {{{"w", Tensor::Of<float>({2}, {3, 4})}}, {{"best", -0.5}, {"step", 7}}};
  StateReader reader(state);
  EXPECT_EQ(reader.TakeTensor("w", {2}).values<float>()[1], 4);
  EXPECT_TRUE(reader.Has("best"));
  EXPECT_FALSE(reader.Has("worst"));
  EXPECT_EQ(reader.TakeNumber("best", -1, 1), -0.5);
  EXPECT_EQ(reader.TakeCount("step"), 7);
  EXPECT_OK(reader.Finish());
}

TEST(StateReaderTest, TellsEverythingThatIsWrong) {
  const NamedState state = {
      {{"w", Tensor::Of<float>({2}, {3, 4})}, {"v", Tensor::Of<double>({1}, {1})}},
      {{"nan", std::nan("")}, {"large", 8}, {"half", 0.5}, {"huge", 0x1p60}},
  };
  StateReader reader(state);
  reader.TakeTensor("w", {1, 2});
  reader.TakeTensor("v", {1});
  reader.TakeTensor("u", {});
  reader.TakeNumber("nan", -1, 1);
  reader.TakeNumber("large", -1, 1);
  reader.TakeNumber("none", -1, 1);
  reader.TakeCount("half");
  reader.TakeCount("huge");
  EXPECT_THAT(reader.Finish(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        "'w': expected float32 [1, 2], got float32 [2]; "
                                        "'v': expected float32 [1], got float64 [1]; "
                                        "'u': expected a tensor, got none; "
                                        "'nan': expected a number in [-1, 1], got nan; "
                                        "'large': expected a number in [-1, 1], got 8; "
                                        "'none': expected a number, got none; "
                                        "'half': expected a whole number, got 0.5; "
                                        "'huge': expected a number in [0, 9.0072e+15], got 1.15292e+18"));
}

TEST(StateReaderTest, WhatNobodyAskedForIsAnError) {
  const NamedState state = {{{"w", Tensor::Of<float>({1}, {3})}}, {{"best", 1}}};
  StateReader reader(state);
  reader.TakeNumber("best", 0, 2);
  EXPECT_THAT(reader.Finish(), StatusIs(absl::StatusCode::kInvalidArgument, "expected no other entries, got 1"));
}

}  // namespace
}  // namespace beak
