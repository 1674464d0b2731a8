#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/base/status.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/elementwise.h"
#include "engine/reference/kernels.h"

// Two broadcast operands in, one out, computed in the element type. Integers wrap around; dividing them by zero is
// INVALID_ARGUMENT. NaN gives NaN, save for Equal (NaN equals nothing) and for Pow as C defines it (pow(1, NaN) = 1).

namespace beak {
namespace {

template <typename T, typename R, typename Fn>
ReferenceRun Elementwise(const StridedWalk& walk, Fn fn) {
  return [walk, fn](ReferenceInputs inputs, ReferenceOutputs outputs) {
    ApplyBinary(walk, Input<T>(inputs, 0), Input<T>(inputs, 1), Output<R>(outputs), fn);
    return absl::OkStatus();
  };
}

absl::StatusOr<StridedWalk> BroadcastInputs(const KernelRequest& request) {
  return StridedWalk::Broadcast(request.outputs[0].shape, {request.inputs[0].shape, request.inputs[1].shape});
}

template <typename Fn>
absl::StatusOr<ReferenceRun> PrepareNumber(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  ASSIGN_OR_RETURN(const StridedWalk walk, BroadcastInputs(request));
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() { return Elementwise<T, T>(walk, Fn()); });
}

struct AddFn {
  template <typename T>
  T operator()(T a, T b) const {
    return Add(a, b);
  }
};
struct SubFn {
  template <typename T>
  T operator()(T a, T b) const {
    return Subtract(a, b);
  }
};
struct MulFn {
  template <typename T>
  T operator()(T a, T b) const {
    return Multiply(a, b);
  }
};
struct PReluFn {
  template <typename T>
  T operator()(T x, T slope) const {
    return x < T{0} ? Multiply(x, slope) : x;
  }
};

absl::StatusOr<ReferenceRun> PrepareDiv(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  ASSIGN_OR_RETURN(const StridedWalk walk, BroadcastInputs(request));
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    if constexpr (std::is_floating_point_v<T>) return Elementwise<T, T>(walk, [](T a, T b) { return a / b; });
    // Where the result is empty nothing is divided, whatever the divisors are.
    const bool empty = NumElements(request.outputs[0].shape) == 0;
    return [walk, divisors = empty ? 0 : NumElements(request.inputs[1].shape)](ReferenceInputs inputs,
                                                                               ReferenceOutputs outputs) {
      const T* const b = Input<T>(inputs, 1);
      if (std::find(b, b + divisors, T{0}) != b + divisors) {
        return absl::InvalidArgumentError("divisor: expected integers other than 0, got 0");
      }
      ApplyBinary(walk, Input<T>(inputs, 0), b, Output<T>(outputs), [](T x, T y) { return Divide(x, y); });
      return absl::OkStatus();
    };
  });
}

// Equal, on bools by truth: one that came from outside may be any byte.
absl::StatusOr<ReferenceRun> PrepareEqual(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  ASSIGN_OR_RETURN(const StridedWalk walk, BroadcastInputs(request));
  if (request.inputs[0].dtype == DType::kBool) {
    return Elementwise<uint8_t, bool>(walk, [](uint8_t a, uint8_t b) { return (a != 0) == (b != 0); });
  }
  return DispatchNumber(request.inputs[0].dtype,
                        [&]<typename T>() { return Elementwise<T, bool>(walk, [](T a, T b) { return a == b; }); });
}

// Repeated squaring, wrapping around. REQUIRES: exponent >= 0.
template <typename T, typename E>
T IntegerPower(T base, E exponent) {
  T result = 1;
  for (; exponent != 0; exponent = static_cast<E>(exponent / 2)) {
    if (exponent % 2 != 0) result = Multiply(result, base);
    base = Multiply(base, base);
  }
  return result;
}

// As Cast does: truncated, saturated, NaN is 0.
template <typename T>
T SaturatingCast(double value) {
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  if (value >= std::ldexp(1.0, std::numeric_limits<T>::digits)) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// The result has the base's type. Floats are raised in the wider of both types; integers exactly by integers >= 0, and
// through double otherwise.
template <typename T, typename E>
T Power(T base, E exponent) {
  if constexpr (std::is_same_v<T, float> && std::is_same_v<E, float>) {
    return std::pow(base, exponent);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  } else if constexpr (std::is_integral_v<E>) {
    if (exponent >= E{0}) return IntegerPower(base, exponent);
  }
  return SaturatingCast<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
}

template <typename T>
absl::StatusOr<ReferenceRun> PreparePowOf(const KernelRequest& request, const StridedWalk& walk) {
  return DispatchNumber(request.inputs[1].dtype, [&]<typename E>() -> ReferenceRun {
    return [walk](ReferenceInputs inputs, ReferenceOutputs outputs) {
      ApplyBinary(walk, Input<T>(inputs, 0), Input<E>(inputs, 1), Output<T>(outputs), Power<T, E>);
      return absl::OkStatus();
    };
  });
}

absl::StatusOr<ReferenceRun> PreparePow(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const StridedWalk walk, BroadcastInputs(request));
  switch (request.inputs[0].dtype) {
    case DType::kFloat32:
      return PreparePowOf<float>(request, walk);
    case DType::kFloat64:
      return PreparePowOf<double>(request, walk);
    case DType::kInt32:
      return PreparePowOf<int32_t>(request, walk);
    case DType::kInt64:
      return PreparePowOf<int64_t>(request, walk);
    default:
      return UnsupportedType("float32, float64, int32 or int64", request.inputs[0].dtype);
  }
}

// Elements are moved as they are, so only their size matters.
template <typename T>
void Select(const StridedWalk& walk, const uint8_t* condition, const T* a, const T* b, T* out) {
  walk.ForEachRun<3>([&](int64_t first, const std::array<int64_t, 3>& offsets) {
    for (int64_t i = 0; i < walk.run_length(); ++i) {
      const bool yes = condition[offsets[0] + i * walk.step(0)] != 0;
      out[first + i] = yes ? a[offsets[1] + i * walk.step(1)] : b[offsets[2] + i * walk.step(2)];
    }
  });
}

absl::StatusOr<ReferenceRun> PrepareWhere(const KernelRequest& request) {
  const std::vector<OperandInfo>& in = request.inputs;
  if (in[0].dtype != DType::kBool || in[1].dtype != in[2].dtype) {
    return absl::InvalidArgumentError("inputs: expected a bool and two of one type");
  }
  ASSIGN_OR_RETURN(const StridedWalk walk,
                   StridedWalk::Broadcast(request.outputs[0].shape, {in[0].shape, in[1].shape, in[2].shape}));
  return DispatchSize(SizeOf(in[1].dtype), [&]<typename T>() -> ReferenceRun {
    return [walk](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Select(walk, Input<uint8_t>(inputs, 0), Input<T>(inputs, 1), Input<T>(inputs, 2), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> BinaryReferences() {
  return {
      {"Add", PrepareNumber<AddFn>}, {"Sub", PrepareNumber<SubFn>},     {"Mul", PrepareNumber<MulFn>},
      {"Div", PrepareDiv},           {"PRelu", PrepareNumber<PReluFn>}, {"Pow", PreparePow},
      {"Equal", PrepareEqual},       {"Where", PrepareWhere},
  };
}

}  // namespace beak
