#include <cmath>

#include "engine/base/status.h"
#include "engine/reference/activation.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// One element in, one out, computed in the element type. NaN gives NaN in all of them, as in NumPy; Clip lets a NaN
// through and takes no notice of a bound that is one.

namespace beak {
namespace {

template <typename T, typename Fn>
ReferenceRun Elementwise(const KernelRequest& request, Fn fn) {
  return [count = NumElements(request.outputs[0].shape), fn](ReferenceInputs inputs, ReferenceOutputs outputs) {
    const T* const in = Input<T>(inputs, 0);
    T* const out = Output<T>(outputs);
    for (int64_t i = 0; i < count; ++i) out[i] = fn(in[i]);
    return absl::OkStatus();
  };
}

// A function object on float32 and float64, or on all numbers, as a factory.
template <typename Fn>
absl::StatusOr<ReferenceRun> PrepareFloat(const KernelRequest& request) {
  return DispatchFloat(request.inputs[0].dtype,
                       [&]<typename T>() { return Elementwise<T>(request, [](T x) { return Fn()(x); }); });
}
template <typename Fn>
absl::StatusOr<ReferenceRun> PrepareNumber(const KernelRequest& request) {
  return DispatchNumber(request.inputs[0].dtype,
                        [&]<typename T>() { return Elementwise<T>(request, [](T x) { return Fn()(x); }); });
}

// The lowest signed integer has no positive: it stays.
struct AbsFn {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return std::abs(x);
    return x < T{0} ? Subtract(T{0}, x) : x;
  }
};
struct NegFn {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) return -x;
    return Subtract(T{0}, x);
  }
};
struct ReluFn {
  template <typename T>
  T operator()(T x) const {
    return Relu(x);
  }
};
struct ExpFn {
  template <typename T>
  T operator()(T x) const {
    return std::exp(x);
  }
};
struct LogFn {
  template <typename T>
  T operator()(T x) const {
    return std::log(x);
  }
};
struct SqrtFn {
  template <typename T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};
struct TanhFn {
  template <typename T>
  T operator()(T x) const {
    return std::tanh(x);
  }
};
struct SigmoidFn {
  template <typename T>
  T operator()(T x) const {
    return Sigmoid(x);
  }
};
struct HardSwishFn {
  template <typename T>
  T operator()(T x) const {
    return HardSwish(x);
  }
};
struct SwishFn {
  template <typename T>
  T operator()(T x) const {
    return Swish(x);
  }
};
struct SoftplusFn {
  template <typename T>
  T operator()(T x) const {
    return Softplus(x);
  }
};

absl::StatusOr<ReferenceRun> PrepareLeakyRelu(const KernelRequest& request) {
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() {
    const T alpha = request.node.Get("alpha", 0.01f);
    return Elementwise<T>(request, [alpha](T x) { return LeakyRelu(x, alpha); });
  });
}

absl::StatusOr<ReferenceRun> PrepareElu(const KernelRequest& request) {
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() {
    const T alpha = request.node.Get("alpha", 1.0f);
    return Elementwise<T>(request, [alpha](T x) { return Elu(x, alpha); });
  });
}

absl::StatusOr<ReferenceRun> PrepareSelu(const KernelRequest& request) {
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() {
    const T alpha = request.node.Get("alpha", 1.67326319217681884765625f);
    const T gamma = request.node.Get("gamma", 1.05070102214813232421875f);
    return Elementwise<T>(request, [alpha, gamma](T x) { return Selu(x, alpha, gamma); });
  });
}

absl::StatusOr<ReferenceRun> PrepareHardSigmoid(const KernelRequest& request) {
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() {
    const T alpha = request.node.Get("alpha", 0.2f);
    const T beta = request.node.Get("beta", 0.5f);
    return Elementwise<T>(request, [alpha, beta](T x) { return HardSigmoid(x, alpha, beta); });
  });
}

// The bounds are inputs, so they are read in the run.
absl::StatusOr<ReferenceRun> PrepareClip(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  RETURN_IF_ERROR(CheckElements(request, 1, 1));
  RETURN_IF_ERROR(CheckElements(request, 2, 1));
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    const int64_t count = NumElements(request.outputs[0].shape);
    const bool has_min = HasInput(request, 1);
    const bool has_max = HasInput(request, 2);
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const in = Input<T>(inputs, 0);
      T* const out = Output<T>(outputs);
      const T min = has_min ? *Input<T>(inputs, 1) : LowestOf<T>();
      const T max = has_max ? *Input<T>(inputs, 2) : HighestOf<T>();
      for (int64_t i = 0; i < count; ++i) out[i] = Clip(in[i], min, max);
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> UnaryReferences() {
  return {
      {"Abs", PrepareNumber<AbsFn>},
      {"Clip", PrepareClip},
      {"Elu", PrepareElu},
      {"Exp", PrepareFloat<ExpFn>},
      {"HardSigmoid", PrepareHardSigmoid},
      {"HardSwish", PrepareFloat<HardSwishFn>},
      {"Swish", PrepareFloat<SwishFn>},
      {"LeakyRelu", PrepareLeakyRelu},
      {"Log", PrepareFloat<LogFn>},
      {"Neg", PrepareNumber<NegFn>},
      {"Relu", PrepareNumber<ReluFn>},
      {"Selu", PrepareSelu},
      {"Sigmoid", PrepareFloat<SigmoidFn>},
      {"Softplus", PrepareFloat<SoftplusFn>},
      {"Sqrt", PrepareFloat<SqrtFn>},
      {"Tanh", PrepareFloat<TanhFn>},
  };
}

}  // namespace beak
