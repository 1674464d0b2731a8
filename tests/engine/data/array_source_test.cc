#include "engine/data/array_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ArraySourceTest, SamplesAreRows) {
  const SourcePtr source = testing::Numbers(5);
  EXPECT_EQ(source->size(), 5);
  EXPECT_EQ(Describe(source->schema()), "x float32 [2], label int64 []");
  ASSERT_OK_AND_ASSIGN(const Sample sample, source->Read(4));
  EXPECT_THAT(testing::ValuesOf<float>(sample[0]), ElementsAre(4, -4));
  EXPECT_THAT(sample[0].shape(), ElementsAre(2));
  EXPECT_THAT(testing::ValuesOf<int64_t>(sample[1]), ElementsAre(1));
  ASSERT_OK_AND_ASSIGN(const Tensor label, source->ReadField(2, 1));
  EXPECT_THAT(testing::ValuesOf<int64_t>(label), ElementsAre(2));
}

TEST(ArraySourceTest, RefusesColumnsThatDoNotGoTogether) {
  const auto expect = [](std::vector<Column> columns, const std::string& message) {
    EXPECT_THAT(MakeArraySource(std::move(columns)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  const Tensor two = Tensor::Of<float>({2}, {1, 2});
  const Tensor three = Tensor::Of<float>({3, 1}, {1, 2, 3});
  expect({}, "at least one field");
  expect({{"x", Tensor::Scalar<float>(1)}}, "'x': expected one value a sample, got a scalar");
  expect({{"x", Tensor::Of<float>({0, 4}, {})}}, "'x': expected at least one sample, got none");
  expect({{"x", two}, {"y", three}}, "'y': expected 2 samples as field 'x' has, got 3");
  expect({{"x", two}, {"x", two}}, "each field once");
}

}  // namespace
}  // namespace beak::data
