#include <algorithm>
#include <cmath>

#include "engine/base/status.h"
#include "engine/ops/clamp.h"
#include "engine/reference/channels.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Batch normalisation by the statistics of the batch itself (Ioffe and Szegedy 2015, arXiv 1502.03167), in double. The
// variance is the biased one: divided by the number of elements. An activation behind it holds values within bounds.

namespace beak {
namespace {

double CountOf(const Channels& channels) { return static_cast<double>(channels.batch * channels.size); }

absl::StatusOr<Channels> ChannelsOf(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  const Channels channels = Channels::Of(shape);
  if (channels.batch * channels.size > 0) return channels;
  return absl::InvalidArgumentError(absl::StrCat("input 0: expected elements in each channel, got ", ToString(shape)));
}

struct Norm {
  Channels channels;
  double epsilon;
  Clamp clamp;
};

absl::StatusOr<Norm> NormOf(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Channels channels, ChannelsOf(request));
  const std::optional<Clamp> clamp = ClampOf(request.node);
  if (!clamp) return absl::UnimplementedError("the activation is not a clamp");
  return Norm{channels, request.node.Get("epsilon", 1e-5f), *clamp};
}

// x, scale, bias, residual -> y, mean, variance
template <typename T>
void Normalize(const Norm& norm, ReferenceInputs inputs, const T* residual, T* y, T* means, T* variances) {
  const Channels& channels = norm.channels;
  const T* const x = Input<T>(inputs, 0);
  for (int64_t c = 0; c < channels.channels; ++c) {
    double sum = 0, squares = 0;
    channels.ForEach(c, [&](int64_t i) { sum += x[i]; });
    const double mean = sum / CountOf(channels);
    channels.ForEach(c, [&](int64_t i) { squares += (x[i] - mean) * (x[i] - mean); });
    const double variance = squares / CountOf(channels);
    const double factor = Input<T>(inputs, 1)[c] / std::sqrt(variance + norm.epsilon);
    const double shift = Input<T>(inputs, 2)[c];
    channels.ForEach(c, [&](int64_t i) {
      const double value = (x[i] - mean) * factor + shift + (residual == nullptr ? 0.0 : residual[i]);
      y[i] = static_cast<T>(std::min<double>(std::max<double>(value, norm.clamp.lower), norm.clamp.upper));
    });
    if (means != nullptr) means[c] = static_cast<T>(mean);
    if (variances != nullptr) variances[c] = static_cast<T>(variance);
  }
}

absl::StatusOr<ReferenceRun> PrepareTraining(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1, 2, 3}));
  ASSIGN_OR_RETURN(const Norm norm, NormOf(request));
  for (const size_t i : {1, 2}) RETURN_IF_ERROR(CheckElements(request, i, norm.channels.channels));
  RETURN_IF_ERROR(CheckElements(request, 3, NumElements(request.inputs[0].shape)));
  const bool has_residual = HasInput(request, 3);
  const bool has_mean = HasOutput(request, 1), has_variance = HasOutput(request, 2);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Normalize<T>(norm, inputs, has_residual ? Input<T>(inputs, 3) : nullptr, Output<T>(outputs),
                   has_mean ? Output<T>(outputs, 1) : nullptr, has_variance ? Output<T>(outputs, 2) : nullptr);
      return absl::OkStatus();
    };
  });
}

// x, dy, scale, mean, variance, bias -> the gradients of x, scale, bias:
// dx = scale / (deviation n) (n dy - sum(dy) - normal sum(dy normal))
// with dy of what the activation lets through; bias is there where there is one.
template <typename T>
void Differentiate(const Norm& norm, ReferenceInputs inputs, const T* bias, T* dx, T* dscale, T* dbias) {
  const Channels& channels = norm.channels;
  const T* const x = Input<T>(inputs, 0);
  for (int64_t c = 0; c < channels.channels; ++c) {
    const double mean = Input<T>(inputs, 3)[c];
    const double inverse = 1 / std::sqrt(Input<T>(inputs, 4)[c] + norm.epsilon);
    const auto dy = [&](int64_t i) -> double {
      const double value = (x[i] - mean) * inverse * Input<T>(inputs, 2)[c] + (bias == nullptr ? 0.0 : bias[c]);
      return value > norm.clamp.lower && value < norm.clamp.upper ? Input<T>(inputs, 1)[i] : T{0};
    };
    double sum = 0, product = 0;
    channels.ForEach(c, [&](int64_t i) {
      sum += dy(i);
      product += dy(i) * (x[i] - mean) * inverse;
    });
    const double factor = Input<T>(inputs, 2)[c] * inverse / CountOf(channels);
    channels.ForEach(c, [&](int64_t i) {
      dx[i] = static_cast<T>(factor * (CountOf(channels) * dy(i) - sum - (x[i] - mean) * inverse * product));
    });
    if (dscale != nullptr) dscale[c] = static_cast<T>(product);
    if (dbias != nullptr) dbias[c] = static_cast<T>(sum);
  }
}

absl::StatusOr<ReferenceRun> PrepareGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1, 2, 3, 4, 5}));
  ASSIGN_OR_RETURN(const Norm norm, NormOf(request));
  for (const size_t i : {2, 3, 4, 5}) RETURN_IF_ERROR(CheckElements(request, i, norm.channels.channels));
  const bool has_shift = HasInput(request, 5);
  const bool has_scale = HasOutput(request, 1), has_bias = HasOutput(request, 2);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Differentiate<T>(norm, inputs, has_shift ? Input<T>(inputs, 5) : nullptr, Output<T>(outputs),
                       has_scale ? Output<T>(outputs, 1) : nullptr, has_bias ? Output<T>(outputs, 2) : nullptr);
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> NormGradientReferences() {
  return {{"BatchNormalizationGradient", PrepareGradient}, {"BatchNormalizationTraining", PrepareTraining}};
}

}  // namespace beak
