#include "engine/tensor/tensor.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "engine/base/status.h"

namespace beak {
namespace {

// How elements lie in memory where that is not the C++ type of their value. A bool that came from outside may be any
// byte; reading such a one as a C++ bool is undefined.
struct BoolByte {
  uint8_t byte;
};
struct Half {
  uint16_t bits;
};

bool ValueOf(BoolByte element) { return element.byte != 0; }
float ValueOf(Half element) { return HalfToFloat(element.bits); }
template <typename T>
T ValueOf(T element) {
  return element;
}

// C++ leaves floats out of an integer's range undefined, so ends and NaN are dealt with by hand.
template <typename To>
To SaturatingCast(double value) {
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (value >= std::ldexp(1.0, std::numeric_limits<To>::digits)) return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

// binary64 to binary16 rounds once: the binary32 between them is rounded to odd, which keeps ties from being made up.
uint16_t DoubleToHalf(double value) {
  float narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value && std::isfinite(narrow)) {
    if (std::abs(static_cast<double>(narrow)) > std::abs(value)) narrow = std::nextafter(narrow, 0.0f);
    uint32_t bits;
    std::memcpy(&bits, &narrow, sizeof(bits));
    bits |= 1;
    std::memcpy(&narrow, &bits, sizeof(bits));
  }
  return FloatToHalf(narrow);
}

template <typename To, typename From>
To CastValue(From value) {
  if constexpr (std::is_same_v<To, BoolByte>) {
    return {value != From{0}};
  } else if constexpr (std::is_same_v<To, Half> && std::is_same_v<From, double>) {
    return {DoubleToHalf(value)};
  } else if constexpr (std::is_same_v<To, Half>) {
    // Integers that binary32 cannot hold exactly are far above the largest float16, infinity either way.
    return {FloatToHalf(static_cast<float>(value))};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return SaturatingCast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <typename Fn>
void DispatchElement(DType dtype, Fn&& fn) {
  if (dtype == DType::kBool) return fn.template operator()<BoolByte>();
  if (dtype == DType::kFloat16) return fn.template operator()<Half>();
  DispatchDType(dtype, fn);
}

}  // namespace

absl::StatusOr<Tensor> Tensor::Create(DType dtype, Shape shape) {
  ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(shape, dtype));
  return FromBuffer(dtype, std::move(shape), Buffer::Allocate(static_cast<size_t>(bytes)));
}

absl::StatusOr<Tensor> Tensor::FromBuffer(DType dtype, Shape shape, std::shared_ptr<Buffer> buffer) {
  ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(shape, dtype));
  BEAK_CHECK(buffer != nullptr && buffer->size() == static_cast<size_t>(bytes));
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  tensor.buffer_ = std::move(buffer);
  return tensor;
}

Tensor Tensor::Reshaped(Shape shape) const {
  BEAK_CHECK(NumElements(shape) == num_elements());
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

absl::StatusOr<std::vector<int64_t>> ToInt64s(const Tensor& tensor) {
  if (tensor.dtype() == DType::kInt64) {
    const std::span<const int64_t> values = tensor.values<int64_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  if (tensor.dtype() == DType::kInt32) {
    const std::span<const int32_t> values = tensor.values<int32_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  return absl::InvalidArgumentError(absl::StrCat("integers: expected int32 or int64, got ", NameOf(tensor.dtype())));
}

void CastElements(DType from, const std::byte* in, DType to, std::byte* out, int64_t count) {
  DispatchElement(to, [&]<typename To>() {
    DispatchElement(from, [&]<typename From>() {
      const From* const source = reinterpret_cast<const From*>(in);
      To* const target = reinterpret_cast<To*>(out);
      for (int64_t i = 0; i < count; ++i) target[i] = CastValue<To>(ValueOf(source[i]));
    });
  });
}

absl::StatusOr<Tensor> CastTo(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  ASSIGN_OR_RETURN(Tensor result, Tensor::Create(dtype, tensor.shape()));
  CastElements(tensor.dtype(), tensor.bytes(), dtype, result.mutable_bytes(), tensor.num_elements());
  return result;
}

}  // namespace beak
