#include <algorithm>
#include <cmath>

#include "engine/base/status.h"
#include "engine/reference/channels.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Normalisations, computed in double. A NaN or infinity spoils what it takes part in: its own element for
// BatchNormalization, its neighbours across channels for LRN, its whole channel for InstanceNormalization, all that is
// normalised with it for LayerNormalization.

namespace beak {
namespace {

// The parameters of a batch normalisation may be of another float type than what is normalised.
class Parameter {
 public:
  static absl::StatusOr<Parameter> Of(const KernelRequest& request, size_t input) {
    const DType dtype = request.inputs[input].dtype;
    if (dtype != DType::kFloat32 && dtype != DType::kFloat64) return UnsupportedType("float32 or float64", dtype);
    return Parameter(input, dtype == DType::kFloat64);
  }
  double At(ReferenceInputs inputs, int64_t i) const {
    return is_double_ ? Input<double>(inputs, input_)[i] : static_cast<double>(Input<float>(inputs, input_)[i]);
  }

 private:
  Parameter(size_t input, bool is_double) : input_(input), is_double_(is_double) {}

  size_t input_;
  bool is_double_;
};

absl::StatusOr<ReferenceRun> PrepareBatchNormalization(const KernelRequest& request) {
  const Channels dims = Channels::Of(request.inputs[0].shape);
  ASSIGN_OR_RETURN(const Parameter scale, Parameter::Of(request, 1));
  ASSIGN_OR_RETURN(const Parameter bias, Parameter::Of(request, 2));
  ASSIGN_OR_RETURN(const Parameter means, Parameter::Of(request, 3));
  ASSIGN_OR_RETURN(const Parameter variances, Parameter::Of(request, 4));
  for (const size_t i : {1, 2, 3, 4}) RETURN_IF_ERROR(CheckElements(request, i, dims.channels));
  const double epsilon = request.node.Get("epsilon", 1e-5f);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* x = Input<T>(inputs, 0);
      T* y = Output<T>(outputs);
      for (int64_t i = 0; i < dims.batch * dims.channels; ++i) {
        const int64_t c = i % dims.channels;
        const double mean = means.At(inputs, c);
        const double factor = scale.At(inputs, c) / std::sqrt(variances.At(inputs, c) + epsilon);
        const double shift = bias.At(inputs, c);
        for (int64_t e = 0; e < dims.size; ++e) y[e] = static_cast<T>((x[e] - mean) * factor + shift);
        x += dims.size;
        y += dims.size;
      }
      return absl::OkStatus();
    };
  });
}

template <typename T>
void InstanceNormalize(const T* x, int64_t size, double scale, double shift, double epsilon, T* y) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(size);
  double squares = 0;
  for (int64_t i = 0; i < size; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double factor = scale / std::sqrt(squares / static_cast<double>(size) + epsilon);
  for (int64_t i = 0; i < size; ++i) y[i] = static_cast<T>((x[i] - mean) * factor + shift);
}

absl::StatusOr<ReferenceRun> PrepareInstanceNormalization(const KernelRequest& request) {
  const Channels dims = Channels::Of(request.inputs[0].shape);
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  for (const size_t i : {1, 2}) RETURN_IF_ERROR(CheckElements(request, i, dims.channels));
  const double epsilon = request.node.Get("epsilon", 1e-5f);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [dims, epsilon](ReferenceInputs inputs, ReferenceOutputs outputs) {
      for (int64_t i = 0; i < dims.batch * dims.channels; ++i) {
        const int64_t c = i % dims.channels;
        InstanceNormalize(Input<T>(inputs, 0) + i * dims.size, dims.size, Input<T>(inputs, 1)[c],
                          Input<T>(inputs, 2)[c], epsilon, Output<T>(outputs) + i * dims.size);
      }
      return absl::OkStatus();
    };
  });
}

struct LayerNormPlan {
  int64_t rows;  // normalised each by itself
  int64_t size;  // elements of a row, of scale and of bias
  double epsilon;
  bool has_bias, has_mean, has_inverse_deviation;
};

template <typename T>
void LayerNormalize(const LayerNormPlan& plan, ReferenceInputs inputs, ReferenceOutputs outputs) {
  const T* scale = Input<T>(inputs, 1);
  for (int64_t row = 0; row < plan.rows; ++row) {
    const T* x = Input<T>(inputs, 0) + row * plan.size;
    T* y = Output<T>(outputs) + row * plan.size;
    double sum = 0;
    for (int64_t i = 0; i < plan.size; ++i) sum += x[i];
    const double mean = sum / static_cast<double>(plan.size);
    double squares = 0;
    for (int64_t i = 0; i < plan.size; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(plan.size) + plan.epsilon);
    for (int64_t i = 0; i < plan.size; ++i) {
      const double bias = plan.has_bias ? static_cast<double>(Input<T>(inputs, 2)[i]) : 0.0;
      y[i] = static_cast<T>((x[i] - mean) * factor * scale[i] + bias);
    }
    if (plan.has_mean) Output<float>(outputs, 1)[row] = static_cast<float>(mean);
    if (plan.has_inverse_deviation) Output<float>(outputs, 2)[row] = static_cast<float>(factor);
  }
}

absl::StatusOr<ReferenceRun> PrepareLayerNormalization(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(request.node.Get<int64_t>("axis", -1), static_cast<int>(shape.size())));
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  const LayerNormPlan plan = {NumElements(Shape(shape.begin(), shape.begin() + axis)),
                              NumElements(Shape(shape.begin() + axis, shape.end())),
                              request.node.Get("epsilon", 1e-5f),
                              HasInput(request, 2),
                              HasOutput(request, 1),
                              HasOutput(request, 2)};
  for (const size_t i : {1, 2}) RETURN_IF_ERROR(CheckElements(request, i, plan.size));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      LayerNormalize<T>(plan, inputs, outputs);
      return absl::OkStatus();
    };
  });
}

struct LrnPlan {
  Channels dims;
  int64_t size;
  double alpha, beta, bias;
};

// y = x / (bias + alpha / size * sum of squares over `size` neighbouring channels)^beta.
template <typename T>
void NormalizeAcrossChannels(const LrnPlan& plan, const T* x, T* y) {
  const auto& [batch, channels, size] = plan.dims;
  for (int64_t c = 0; c < channels; ++c) {
    const int64_t begin = std::max<int64_t>(c - (plan.size - 1) / 2, 0);
    const int64_t end = std::min(c + std::min(plan.size / 2, channels) + 1, channels);
    for (int64_t e = 0; e < size; ++e) {
      double squares = 0;
      for (int64_t n = begin; n < end; ++n) squares += static_cast<double>(x[n * size + e]) * x[n * size + e];
      const double base = plan.bias + plan.alpha / static_cast<double>(plan.size) * squares;
      y[c * size + e] = static_cast<T>(x[c * size + e] / std::pow(base, plan.beta));
    }
  }
}

absl::StatusOr<ReferenceRun> PrepareLrn(const KernelRequest& request) {
  const Node& node = request.node;
  const LrnPlan plan = {Channels::Of(request.inputs[0].shape), node.Get<int64_t>("size", 1), node.Get("alpha", 1e-4f),
                        node.Get("beta", 0.75f), node.Get("bias", 1.0f)};
  if (plan.size < 1) {
    return absl::InvalidArgumentError(absl::StrCat("attribute 'size': expected 1 or more, got ", plan.size));
  }
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const int64_t image = plan.dims.channels * plan.dims.size;
      for (int64_t n = 0; n < plan.dims.batch; ++n) {
        NormalizeAcrossChannels(plan, Input<T>(inputs, 0) + n * image, Output<T>(outputs) + n * image);
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> NormReferences() {
  return {
      {"BatchNormalization", PrepareBatchNormalization},
      {"InstanceNormalization", PrepareInstanceNormalization},
      {"LayerNormalization", PrepareLayerNormalization},
      {"LRN", PrepareLrn},
  };
}

}  // namespace beak
