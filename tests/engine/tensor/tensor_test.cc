#include "engine/tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename To, typename From>
std::vector<To> Cast(const std::vector<From>& values, DType dtype = DTypeOf<To>()) {
  const Tensor tensor = Tensor::Of<From>({static_cast<int64_t>(values.size())}, values);
  const absl::StatusOr<Tensor> cast = CastTo(tensor, dtype);
  EXPECT_OK(cast);
  EXPECT_EQ(cast->dtype(), dtype);
  EXPECT_EQ(cast->shape(), tensor.shape());
  const std::span<const To> out = cast->values<To>();
  return std::vector<To>(out.begin(), out.end());
}

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(TensorTest, HoldsWhatItWasMadeOf) {
  const Tensor tensor = Tensor::Of<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(tensor.dtype(), DType::kFloat32);
  EXPECT_EQ(tensor.rank(), 2);
  EXPECT_EQ(tensor.num_elements(), 4);
  EXPECT_EQ(tensor.byte_size(), 16u);
  EXPECT_THAT(tensor.values<float>(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Tensor::Of<bool>({2}, {true, false}).values<bool>(), ElementsAre(true, false));
  EXPECT_THAT(Tensor::Scalar<int64_t>(7).values<int64_t>(), ElementsAre(7));
}

TEST(TensorTest, TheDefaultIsEmpty) {
  const Tensor tensor;
  EXPECT_EQ(tensor.num_elements(), 0);
  EXPECT_EQ(tensor.byte_size(), 0u);
}

TEST(TensorTest, CreateRefusesImpossibleShapes) {
  EXPECT_THAT(Tensor::Create(DType::kFloat32, {-1}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Tensor::Create(DType::kFloat32, {int64_t{1} << 62, 4}), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(TensorTest, AnEmptyTensorHasNoValues) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, Tensor::Create(DType::kInt32, {3, 0}));
  EXPECT_THAT(tensor.values<int32_t>(), IsEmpty());
}

TEST(TensorTest, CopiesAndReshapesShareTheBytes) {
  const Tensor tensor = Tensor::Of<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor reshaped = tensor.Reshaped({3, 2});
  EXPECT_THAT(reshaped.shape(), ElementsAre(3, 2));
  EXPECT_EQ(reshaped.bytes(), tensor.bytes());
}

TEST(TensorDeathTest, ReshapingToAnotherSizeIsABug) {
  EXPECT_DEATH(Tensor::Of<int32_t>({2}, {1, 2}).Reshaped({3}), "broken invariant");
}

TEST(TensorTest, FromBufferTakesTheBufferOver) {
  const std::shared_ptr<Buffer> buffer = Buffer::Adopt(std::string("\1\0\2\0", 4));
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, Tensor::FromBuffer(DType::kInt16, {2}, buffer));
  EXPECT_THAT(tensor.values<int16_t>(), ElementsAre(1, 2));
  EXPECT_EQ(tensor.buffer(), buffer);
}

TEST(ToInt64sTest, ReadsBothIndexTypes) {
  EXPECT_THAT(ToInt64s(Tensor::Of<int64_t>({2}, {1, -2})), IsOkAndHolds(ElementsAre(1, -2)));
  EXPECT_THAT(ToInt64s(Tensor::Of<int32_t>({2}, {1, -2})), IsOkAndHolds(ElementsAre(1, -2)));
  EXPECT_THAT(ToInt64s(Tensor::Of<float>({1}, {1})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got float32")));
}

TEST(CastToTest, TheSameTypeSharesTheBytes) {
  const Tensor tensor = Tensor::Of<float>({1}, {1});
  ASSERT_OK_AND_ASSIGN(const Tensor cast, CastTo(tensor, DType::kFloat32));
  EXPECT_EQ(cast.bytes(), tensor.bytes());
}

TEST(CastToTest, FloatToIntegerTruncatesAndSaturates) {
  EXPECT_THAT((Cast<int8_t, float>({1.9f, -1.9f, 127.9f, 128, 1e30f, -128.9f, -kInf, kNan})),
              ElementsAre(1, -1, 127, 127, 127, -128, -128, 0));
  EXPECT_THAT((Cast<uint8_t, double>({-1, -0.5, 255.99, 256})), ElementsAre(0, 0, 255, 255));
  EXPECT_THAT((Cast<int64_t, float>({kInf, -kInf, 9223372036854775808.0f})),
              ElementsAre(INT64_MAX, INT64_MIN, INT64_MAX));
  EXPECT_THAT((Cast<uint64_t, double>({18446744073709551616.0, 9223372036854775808.0})),
              ElementsAre(UINT64_MAX, uint64_t{1} << 63));
}

TEST(CastToTest, IntegersWrap) {
  EXPECT_THAT((Cast<int8_t, int32_t>({300, -129})), ElementsAre(44, 127));
  EXPECT_THAT((Cast<uint32_t, int64_t>({-1})), ElementsAre(UINT32_MAX));
}

TEST(CastToTest, AnythingToBoolIsNotZero) {
  EXPECT_THAT((Cast<bool, float>({0, -0.0f, 0.1f, kNan})), ElementsAre(false, false, true, true));
  EXPECT_THAT((Cast<bool, int32_t>({0, 256})), ElementsAre(false, true));
  EXPECT_THAT((Cast<float, bool>({true, false})), ElementsAre(1, 0));
}

TEST(CastToTest, ABoolOfAnyByteCountsAsOne) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor,
                       Tensor::FromBuffer(DType::kBool, {3}, Buffer::Adopt(std::string("\0\1\377", 3))));
  ASSERT_OK_AND_ASSIGN(const Tensor cast, CastTo(tensor, DType::kInt32));
  EXPECT_THAT(cast.values<int32_t>(), ElementsAre(0, 1, 1));
}

TEST(CastToTest, Float16GoesBothWays) {
  const std::vector<uint16_t> halves = Cast<uint16_t, float>({1, -2, 65520, 1e-9f}, DType::kFloat16);
  EXPECT_THAT(halves, ElementsAre(0x3c00, 0xc000, 0x7c00, 0));
  EXPECT_THAT((Cast<uint16_t, int64_t>({3, int64_t{1} << 62}, DType::kFloat16)), ElementsAre(0x4200, 0x7c00));
  EXPECT_THAT((Cast<uint16_t, bool>({true, false}, DType::kFloat16)), ElementsAre(0x3c00, 0));

  ASSERT_OK_AND_ASSIGN(const Tensor tensor, CastTo(Tensor::Of<float>({2}, {1.5f, -7.9f}), DType::kFloat16));
  ASSERT_OK_AND_ASSIGN(const Tensor integers, CastTo(tensor, DType::kInt32));
  EXPECT_THAT(integers.values<int32_t>(), ElementsAre(1, -7));
  ASSERT_OK_AND_ASSIGN(const Tensor doubles, CastTo(tensor, DType::kFloat64));
  EXPECT_THAT(doubles.values<double>(), ElementsAre(1.5, HalfToFloat(FloatToHalf(-7.9f))));
}

TEST(CastToTest, DoubleToFloat16RoundsOnce) {
  // Just above the middle of 1 and the next half; rounded to float first it would be the middle, and go down.
  const double above_middle = 1 + std::ldexp(1, -11) + std::ldexp(1, -40);
  EXPECT_THAT((Cast<uint16_t, double>({above_middle, -above_middle, 1 + std::ldexp(1, -11)}, DType::kFloat16)),
              ElementsAre(0x3c01, 0xbc01, 0x3c00));
  // Just below the middle of the next two, which a float rounds up to it, and a tie to even further up.
  const double below_middle = 1 + std::ldexp(3, -11) - std::ldexp(1, -40);
  EXPECT_THAT((Cast<uint16_t, double>({below_middle}, DType::kFloat16)), ElementsAre(0x3c01));
  EXPECT_THAT((Cast<uint16_t, double>({1e300, -1e300, kNan}, DType::kFloat16)), ElementsAre(0x7c00, 0xfc00, 0x7e00));
}

}  // namespace
}  // namespace beak
