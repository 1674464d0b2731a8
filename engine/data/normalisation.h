#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/pipeline.h"

namespace beak::data {

// What the values of a field are like, one entry a channel: the first dimension of a sample. A value type.
struct ChannelStatistics {
  std::vector<double> mean;
  std::vector<double> deviation;  // standard deviation of the whole: the mean of squares is over n, not n - 1
  std::vector<double> minimum;
  std::vector<double> maximum;
};

// Of a float32 field of rank 1 or more, over all values of all samples of epoch 0: give it a pipeline without
// augmentation. Computed in double and in order, so the same bits each time. INVALID_ARGUMENT for a value that is not
// finite.
absl::StatusOr<ChannelStatistics> ComputeStatistics(const Pipeline& pipeline, const std::string& field);

// How a network wants its input: (x - offset[c]) * scale[c] in channel c, or the one entry for all channels. It becomes
// the first nodes of the network that is trained and exported; pipelines give raw values. A value type.
struct Normalisation {
  std::vector<float> offset;
  std::vector<float> scale;
};

// Per channel to mean 0 and deviation 1. A channel that is constant becomes 0.
Normalisation Standardise(const ChannelStatistics& statistics);

// Per channel to mean 0.
Normalisation SubtractMean(const ChannelStatistics& statistics);

// [low, high] to [to_low, to_high], the same for all channels: (0, 255, 0, 1) and (0, 255, -1, 1) for photographs.
// INVALID_ARGUMENT unless low < high and to_low < to_high, all finite.
absl::StatusOr<Normalisation> ScaleRange(double low, double high, double to_low, double to_high);

}  // namespace beak::data
