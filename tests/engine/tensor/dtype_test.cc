#include "engine/tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace beak {
namespace {

constexpr DType kAll[] = {DType::kBool,  DType::kUint8,   DType::kInt8,    DType::kUint16,
                          DType::kInt16, DType::kUint32,  DType::kInt32,   DType::kUint64,
                          DType::kInt64, DType::kFloat16, DType::kFloat32, DType::kFloat64};

TEST(DTypeTest, NamesAndSizesAgreeWithTheCppTypes) {
  for (const DType dtype : kAll) {
    EXPECT_EQ(ParseDType(NameOf(dtype)), dtype);
    DispatchDType(dtype, [&]<typename T>() { EXPECT_EQ(SizeOf(dtype), sizeof(T)) << NameOf(dtype); });
  }
  EXPECT_STREQ(NameOf(DType::kFloat16), "float16");
  EXPECT_STREQ(NameOf(DTypeOf<int64_t>()), "int64");
}

TEST(DTypeTest, UnknownNamesAreNoType) {
  for (const char* name : {"", "float", "float128", "Float32", "float32 "}) EXPECT_EQ(ParseDType(name), std::nullopt);
}

TEST(DTypeTest, EveryTypeIsBoolFloatOrInteger) {
  for (const DType dtype : kAll) {
    EXPECT_EQ((dtype == DType::kBool) + IsFloat(dtype) + IsInteger(dtype), 1) << NameOf(dtype);
  }
}

// What a binary16 means, written down once more from IEEE 754.
double Meaning(uint16_t half) {
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = (half >> 10) & 0x1f;
  const int fraction = half & 0x3ff;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

bool IsNan(uint16_t half) { return (half & 0x7fff) > 0x7c00; }

TEST(HalfTest, EveryHalfWidensToItsMeaning) {
  for (int bits = 0; bits < 65536; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    const float wide = HalfToFloat(half);
    if (IsNan(half)) {
      ASSERT_TRUE(std::isnan(wide)) << bits;
    } else {
      ASSERT_EQ(wide, Meaning(half)) << bits;
      ASSERT_EQ(std::signbit(wide), (half & 0x8000) != 0) << bits;
    }
  }
}

TEST(HalfTest, EveryHalfComesBack) {
  for (int bits = 0; bits < 65536; ++bits) {
    const uint16_t half = static_cast<uint16_t>(bits);
    const uint16_t back = FloatToHalf(HalfToFloat(half));
    // A signalling NaN comes back quiet.
    const uint16_t expected = IsNan(half) ? half | 0x200 : half;
    ASSERT_EQ(back, expected) << bits;
  }
}

// Between every two neighbours: the middle goes to the even one, anything off it to the nearer.
TEST(HalfTest, RoundsToNearestEven) {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const uint16_t below = static_cast<uint16_t>(bits);
    const uint16_t above = static_cast<uint16_t>(bits + 1);
    // Above the largest half, infinity stands for 2^16.
    const double next = above == 0x7c00 ? 65536.0 : Meaning(above);
    const float middle = static_cast<float>((Meaning(below) + next) / 2);
    const uint16_t even = (below & 1) == 0 ? below : above;
    ASSERT_EQ(FloatToHalf(middle), even) << bits;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, 0.0f)), below) << bits;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, INFINITY)), above) << bits;
    ASSERT_EQ(FloatToHalf(-middle), even | 0x8000) << bits;
  }
}

TEST(HalfTest, OverflowsToInfinityAndUnderflowsToZero) {
  EXPECT_EQ(FloatToHalf(65519.996f), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(FloatToHalf(1e30f), 0x7c00);
  EXPECT_EQ(FloatToHalf(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(FloatToHalf(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(FloatToHalf(-0.0f), 0x8000);
}

TEST(HalfTest, NanStaysNan) {
  for (const uint32_t bits : {0x7f800001u, 0x7fc00000u, 0xffffffffu, 0xff800001u}) {
    EXPECT_TRUE(IsNan(FloatToHalf(std::bit_cast<float>(bits)))) << bits;
  }
}

}  // namespace
}  // namespace beak
