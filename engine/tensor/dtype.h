#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beak {

// The element types that tensors have. Float16 is a storage type: kernels compute in float32 (passes/ widens it).
enum class DType : uint8_t {
  kBool,
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kUint64,
  kInt64,
  kFloat16,
  kFloat32,
  kFloat64,
};

// Bytes of one element.
size_t SizeOf(DType dtype);

// "float32", "uint8", "bool" ...: numpy's names, used in texts and in the graph's text form.
const char* NameOf(DType dtype);
std::optional<DType> ParseDType(std::string_view name);

bool IsFloat(DType dtype);    // float16, float32, float64
bool IsInteger(DType dtype);  // signed and unsigned; not bool

// IEEE 754 binary16 <-> binary32; rounds to nearest even, overflows to infinity, keeps NaN a NaN.
float HalfToFloat(uint16_t half);
uint16_t FloatToHalf(float value);

// The DType of a C++ element type.
template <typename T>
constexpr DType DTypeOf();
template <>
constexpr DType DTypeOf<bool>() {
  return DType::kBool;
}
template <>
constexpr DType DTypeOf<uint8_t>() {
  return DType::kUint8;
}
template <>
constexpr DType DTypeOf<int8_t>() {
  return DType::kInt8;
}
template <>
constexpr DType DTypeOf<uint16_t>() {
  return DType::kUint16;
}
template <>
constexpr DType DTypeOf<int16_t>() {
  return DType::kInt16;
}
template <>
constexpr DType DTypeOf<uint32_t>() {
  return DType::kUint32;
}
template <>
constexpr DType DTypeOf<int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType DTypeOf<uint64_t>() {
  return DType::kUint64;
}
template <>
constexpr DType DTypeOf<int64_t>() {
  return DType::kInt64;
}
template <>
constexpr DType DTypeOf<float>() {
  return DType::kFloat32;
}
template <>
constexpr DType DTypeOf<double>() {
  return DType::kFloat64;
}

// Calls fn.template operator()<T>() with the C++ type of `dtype`; Float16 arrives as its bits, uint16_t.
template <typename Fn>
decltype(auto) DispatchDType(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kBool:
      return fn.template operator()<bool>();
    case DType::kUint8:
      return fn.template operator()<uint8_t>();
    case DType::kInt8:
      return fn.template operator()<int8_t>();
    case DType::kUint16:
    case DType::kFloat16:
      return fn.template operator()<uint16_t>();
    case DType::kInt16:
      return fn.template operator()<int16_t>();
    case DType::kUint32:
      return fn.template operator()<uint32_t>();
    case DType::kInt32:
      return fn.template operator()<int32_t>();
    case DType::kUint64:
      return fn.template operator()<uint64_t>();
    case DType::kInt64:
      return fn.template operator()<int64_t>();
    case DType::kFloat64:
      return fn.template operator()<double>();
    case DType::kFloat32:
      break;
  }
  return fn.template operator()<float>();
}

}  // namespace beak
