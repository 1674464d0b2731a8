#include "engine/tensor/tensor.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "engine/base/status.h"

namespace beak {
namespace {

// C++ leaves floats out of an integer's range undefined, so ends and NaN are dealt with by hand.
template <typename To>
To SaturatingCast(double value) {
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (value >= std::ldexp(1.0, std::numeric_limits<To>::digits)) return std::numeric_limits<To>::max();
  return static_cast<To>(value);
}

template <typename To, typename From>
To CastElement(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return SaturatingCast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <typename To, typename From>
void CastElements(const Tensor& from, Tensor& to) {
  const std::span<const From> in = from.values<From>();
  const std::span<To> out = to.mutable_values<To>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = CastElement<To>(in[i]);
}

// REQUIRES: neither is float16.
void CastPlain(const Tensor& from, Tensor& to) {
  DispatchDType(to.dtype(), [&]<typename To>() {
    // A bool that came from outside may be any byte; reading such a one as a C++ bool is undefined.
    if (from.dtype() == DType::kBool) {
      const std::span<const uint8_t> in = from.values<uint8_t>();
      const std::span<To> out = to.mutable_values<To>();
      for (size_t i = 0; i < in.size(); ++i) out[i] = static_cast<To>(in[i] != 0);
      return;
    }
    DispatchDType(from.dtype(), [&]<typename From>() { CastElements<To, From>(from, to); });
  });
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

absl::StatusOr<Tensor> HalfToFloat32(const Tensor& tensor) {
  ASSIGN_OR_RETURN(Tensor result, Tensor::Create(DType::kFloat32, tensor.shape()));
  const std::span<const uint16_t> in = tensor.values<uint16_t>();
  const std::span<float> out = result.mutable_values<float>();
  for (size_t i = 0; i < in.size(); ++i) out[i] = HalfToFloat(in[i]);
  return result;
}

// REQUIRES: float32 or float64.
absl::StatusOr<Tensor> FloatToFloat16(const Tensor& tensor) {
  ASSIGN_OR_RETURN(Tensor result, Tensor::Create(DType::kFloat16, tensor.shape()));
  const std::span<uint16_t> out = result.mutable_values<uint16_t>();
  if (tensor.dtype() == DType::kFloat64) {
    const std::span<const double> in = tensor.values<double>();
    for (size_t i = 0; i < in.size(); ++i) out[i] = DoubleToHalf(in[i]);
  } else {
    const std::span<const float> in = tensor.values<float>();
    for (size_t i = 0; i < in.size(); ++i) out[i] = FloatToHalf(in[i]);
  }
  return result;
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

absl::StatusOr<Tensor> CastTo(const Tensor& tensor, DType dtype) {
  if (tensor.dtype() == dtype) return tensor;
  if (tensor.dtype() == DType::kFloat16) {
    ASSIGN_OR_RETURN(const Tensor wide, HalfToFloat32(tensor));
    return CastTo(wide, dtype);
  }
  if (dtype == DType::kFloat16) {
    if (tensor.dtype() == DType::kFloat64) return FloatToFloat16(tensor);
    // Integers that binary32 cannot hold exactly are far above the largest float16, infinity either way.
    ASSIGN_OR_RETURN(const Tensor wide, CastTo(tensor, DType::kFloat32));
    return FloatToFloat16(wide);
  }
  ASSIGN_OR_RETURN(Tensor result, Tensor::Create(dtype, tensor.shape()));
  CastPlain(tensor, result);
  return result;
}

}  // namespace beak
