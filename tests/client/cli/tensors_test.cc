#include "client/cli/tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak::cli {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;

TEST(TensorsTest, EveryTypeGoesBothWays) {
  for (int i = 0; i <= static_cast<int>(DType::kFloat64); ++i) {
    const DType dtype = static_cast<DType>(i);
    EXPECT_EQ(ToDType(ToDatatype(dtype)), dtype);
    EXPECT_EQ(wire::Describe(ToDatatype(dtype)).byte_size, SizeOf(dtype)) << NameOf(dtype);
  }
  EXPECT_EQ(ToDType(wire::Datatype::kBytes), std::nullopt);
  EXPECT_EQ(ToDType(wire::Datatype::kBf16), std::nullopt);
}

TEST(TensorsTest, TensorsComeBack) {
  const Tensor tensor = Tensor::Of<float>({2, 1}, {1, 2});
  ASSERT_OK_AND_ASSIGN(const client::TensorValue value, ToTensorValue("x", tensor));
  EXPECT_EQ(value.name(), "x");
  ASSERT_OK_AND_ASSIGN(const Tensor back, ToTensor(value));
  EXPECT_THAT(back.shape(), ElementsAre(2, 1));
  EXPECT_THAT(back.values<float>(), ElementsAre(1, 2));
}

TEST(TensorsTest, EmptyTensorsComeBack) {
  ASSERT_OK_AND_ASSIGN(const client::TensorValue value, ToTensorValue("x", Tensor::Of<float>({0}, {})));
  EXPECT_EQ(ToTensor(value)->num_elements(), 0);
}

TEST(TensorsTest, StringsAreNoTensor) {
  EXPECT_THAT(ToTensor(*client::TensorValue::FromStrings("x", {1}, {"a"})),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TensorsTest, RowsAreStackedInOrder) {
  ASSERT_OK_AND_ASSIGN(const Tensor stacked,
                       Stack({Tensor::Of<int32_t>({2}, {1, 2}), Tensor::Of<int32_t>({2}, {3, 4})}));
  EXPECT_THAT(stacked.shape(), ElementsAre(2, 2));
  EXPECT_THAT(stacked.values<int32_t>(), ElementsAre(1, 2, 3, 4));
}

TEST(SplitAssignmentTest, SplitsAtTheFirstSign) {
  EXPECT_EQ(SplitAssignment("x=a=b.npy"), std::pair(std::string("x"), std::string("a=b.npy")));
  for (const char* text : {"", "x", "=", "x=", "=f"}) EXPECT_EQ(SplitAssignment(text), std::nullopt) << text;
}

}  // namespace
}  // namespace beak::cli
