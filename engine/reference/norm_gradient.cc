#include <cmath>

#include "engine/base/status.h"
#include "engine/reference/channels.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Batch normalisation by the statistics of the batch itself (Ioffe and Szegedy 2015, arXiv 1502.03167), in double. The
// variance is the biased one: divided by the number of elements.

namespace beak {
namespace {

double CountOf(const Channels& channels) { return static_cast<double>(channels.batch * channels.size); }

absl::StatusOr<Channels> ChannelsOf(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  const Channels channels = Channels::Of(shape);
  if (channels.batch * channels.size > 0) return channels;
  return absl::InvalidArgumentError(absl::StrCat("input 0: expected elements in each channel, got ", ToString(shape)));
}

// x, scale, bias -> y, mean, variance
template <typename T>
void Normalize(const Channels& channels, double epsilon, ReferenceInputs inputs, T* y, T* means, T* variances) {
  const T* const x = Input<T>(inputs, 0);
  for (int64_t c = 0; c < channels.channels; ++c) {
    double sum = 0, squares = 0;
    channels.ForEach(c, [&](int64_t i) { sum += x[i]; });
    const double mean = sum / CountOf(channels);
    channels.ForEach(c, [&](int64_t i) { squares += (x[i] - mean) * (x[i] - mean); });
    const double variance = squares / CountOf(channels);
    const double factor = Input<T>(inputs, 1)[c] / std::sqrt(variance + epsilon);
    const double shift = Input<T>(inputs, 2)[c];
    channels.ForEach(c, [&](int64_t i) { y[i] = static_cast<T>((x[i] - mean) * factor + shift); });
    if (means != nullptr) means[c] = static_cast<T>(mean);
    if (variances != nullptr) variances[c] = static_cast<T>(variance);
  }
}

absl::StatusOr<ReferenceRun> PrepareTraining(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  ASSIGN_OR_RETURN(const Channels channels, ChannelsOf(request));
  for (const size_t i : {1, 2}) RETURN_IF_ERROR(CheckElements(request, i, channels.channels));
  const double epsilon = request.node.Get("epsilon", 1e-5f);
  const bool has_mean = HasOutput(request, 1), has_variance = HasOutput(request, 2);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Normalize<T>(channels, epsilon, inputs, Output<T>(outputs), has_mean ? Output<T>(outputs, 1) : nullptr,
                   has_variance ? Output<T>(outputs, 2) : nullptr);
      return absl::OkStatus();
    };
  });
}

// x, dy, scale, mean, variance -> the gradients of x, scale, bias:
// dx = scale / (deviation n) (n dy - sum(dy) - normal sum(dy normal))
template <typename T>
void Differentiate(const Channels& channels, double epsilon, ReferenceInputs inputs, T* dx, T* dscale, T* dbias) {
  const T* const x = Input<T>(inputs, 0);
  const T* const dy = Input<T>(inputs, 1);
  for (int64_t c = 0; c < channels.channels; ++c) {
    const double mean = Input<T>(inputs, 3)[c];
    const double inverse = 1 / std::sqrt(Input<T>(inputs, 4)[c] + epsilon);
    double sum = 0, product = 0;
    channels.ForEach(c, [&](int64_t i) {
      sum += dy[i];
      product += dy[i] * (x[i] - mean) * inverse;
    });
    const double factor = Input<T>(inputs, 2)[c] * inverse / CountOf(channels);
    channels.ForEach(c, [&](int64_t i) {
      dx[i] = static_cast<T>(factor * (CountOf(channels) * dy[i] - sum - (x[i] - mean) * inverse * product));
    });
    if (dscale != nullptr) dscale[c] = static_cast<T>(product);
    if (dbias != nullptr) dbias[c] = static_cast<T>(sum);
  }
}

absl::StatusOr<ReferenceRun> PrepareGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1, 2, 3, 4}));
  ASSIGN_OR_RETURN(const Channels channels, ChannelsOf(request));
  for (const size_t i : {2, 3, 4}) RETURN_IF_ERROR(CheckElements(request, i, channels.channels));
  const double epsilon = request.node.Get("epsilon", 1e-5f);
  const bool has_scale = HasOutput(request, 1), has_bias = HasOutput(request, 2);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Differentiate<T>(channels, epsilon, inputs, Output<T>(outputs), has_scale ? Output<T>(outputs, 1) : nullptr,
                       has_bias ? Output<T>(outputs, 2) : nullptr);
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> NormGradientReferences() {
  return {{"BatchNormalizationGradient", PrepareGradient}, {"BatchNormalizationTraining", PrepareTraining}};
}

}  // namespace beak
