#include "engine/tensor/dtype.h"

#include <bit>
#include <iterator>

namespace beak {
namespace {

struct DTypeRow {
  const char* name;
  size_t size;
};

// In the order of the enum.
constexpr DTypeRow kRows[] = {
    {"bool", 1},  {"uint8", 1},  {"int8", 1},  {"uint16", 2},  {"int16", 2},   {"uint32", 4},
    {"int32", 4}, {"uint64", 8}, {"int64", 8}, {"float16", 2}, {"float32", 4}, {"float64", 8},
};
static_assert(std::size(kRows) == static_cast<size_t>(DType::kFloat64) + 1);

const DTypeRow& RowOf(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

// Shifts right, rounding to nearest, ties to even. REQUIRES: 0 < shift < 32.
uint32_t RoundingShift(uint32_t value, int shift) {
  const uint32_t half = uint32_t{1} << (shift - 1);
  const uint32_t rest = value & ((uint32_t{1} << shift) - 1);
  const uint32_t kept = value >> shift;
  return kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0);
}

}  // namespace

size_t SizeOf(DType dtype) { return RowOf(dtype).size; }

const char* NameOf(DType dtype) { return RowOf(dtype).name; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (name == kRows[i].name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

bool IsFloat(DType dtype) { return dtype == DType::kFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64; }

bool IsInteger(DType dtype) { return dtype != DType::kBool && !IsFloat(dtype); }

// binary16: sign 1, exponent 5 (bias 15), fraction 10; binary32: 1, 8 (bias 127), 23.
float HalfToFloat(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);  // infinity, NaN
  if (exponent == 0) {  // zero, subnormal: fraction * 2^-24, exact in binary32
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t FloatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | (magnitude >> 13 & 0x3ffu);  // NaN: quiet, with what fits of its payload
  } else if (magnitude >= 0x47800000u) {
    half = 0x7c00u;  // 2^16 and above, infinity
  } else if (magnitude >= 0x38800000u) {
    // 2^-14 and above: normal. A carry out of the fraction goes into the exponent, and from the largest to infinity.
    half = RoundingShift(magnitude - (uint32_t{112} << 23), 13);
  } else if (magnitude > 0x33000000u) {
    // Above 2^-25: subnormal, a multiple of 2^-24.
    const uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    half = RoundingShift(significand, 126 - static_cast<int>(magnitude >> 23));
  } else {
    half = 0;
  }
  return static_cast<uint16_t>(sign | half);
}

}  // namespace beak
