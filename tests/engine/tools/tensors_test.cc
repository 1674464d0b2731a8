#include "engine/tools/tensors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/tensor/close.h"
#include "tests/support/status_matchers.h"

namespace beak::tools {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using testing::IsOk;
using ::testing::Lt;
using ::testing::Not;

Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

TEST(MakeInputTest, IsValidAndTheSameForTheSameSeed) {
  const Tensor floats = MakeInput(DType::kFloat32, {100}, 7).value();
  EXPECT_THAT(floats.values<float>(), Each(AllOf(Ge(0), Lt(1))));
  EXPECT_THAT(ExpectClose(MakeInput(DType::kFloat32, {100}, 7).value(), floats), IsOk());
  EXPECT_THAT(ExpectClose(MakeInput(DType::kFloat32, {100}, 8).value(), floats), Not(IsOk()));
  EXPECT_THAT(MakeInput(DType::kInt64, {10}, 1)->values<int64_t>(), Each(0));  // an index that is always there
  EXPECT_THAT(MakeInput(DType::kBool, {100}, 1)->values<uint8_t>(), Each(Lt(2)));
  EXPECT_EQ(MakeInput(DType::kFloat16, {3}, 1)->dtype(), DType::kFloat16);
  EXPECT_THAT(MakeInput(DType::kFloat32, {int64_t{1} << 40}, 1), Not(IsOk()));
}

TEST(SummaryTest, SaysWhatIsInATensor) {
  EXPECT_EQ(Summary(Floats({1, 2, 6})), "float32 [3]: min 1, max 6, mean 3");
  EXPECT_EQ(Summary(Floats({NAN, 2})), "float32 [2]: min 2, max 2, mean 2, 1 not finite");
  EXPECT_EQ(Summary(Floats({})), "float32 [0]");
}

}  // namespace
}  // namespace beak::tools
