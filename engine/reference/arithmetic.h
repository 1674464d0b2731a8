#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

namespace beak {

// Arithmetic on elements of any number type, as NumPy does it. Integers wrap around, which C++ grants only to unsigned
// ones (and small ones would become int first).

template <typename T>
using WrappingType = std::conditional_t<(sizeof(T) < sizeof(unsigned)), unsigned, std::make_unsigned_t<T>>;

template <typename T>
T Add(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a + b;
  } else {
    return static_cast<T>(static_cast<WrappingType<T>>(a) + static_cast<WrappingType<T>>(b));
  }
}

template <typename T>
T Subtract(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a - b;
  } else {
    return static_cast<T>(static_cast<WrappingType<T>>(a) - static_cast<WrappingType<T>>(b));
  }
}

template <typename T>
T Multiply(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a * b;
  } else {
    return static_cast<T>(static_cast<WrappingType<T>>(a) * static_cast<WrappingType<T>>(b));
  }
}

// Truncates towards zero; the lowest integer by -1 is itself. REQUIRES: b is not an integer 0.
template <typename T>
T Divide(T a, T b) {
  if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    if (b == T{-1}) return Subtract(T{0}, a);
  }
  return static_cast<T>(a / b);
}

// A NaN on either side is the result.
template <typename T>
T Maximum(T a, T b) {
  return a > b || a != a ? a : b;
}
template <typename T>
T Minimum(T a, T b) {
  return a < b || a != a ? a : b;
}

// What no element is below, and what the maximum of none is.
template <typename T>
constexpr T LowestOf() {
  if constexpr (std::is_floating_point_v<T>) return -std::numeric_limits<T>::infinity();
  return std::numeric_limits<T>::lowest();
}
template <typename T>
constexpr T HighestOf() {
  if constexpr (std::is_floating_point_v<T>) return std::numeric_limits<T>::infinity();
  return std::numeric_limits<T>::max();
}

}  // namespace beak
