#include "engine/data/normalisation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/base/status.h"

namespace beak::data {
namespace {

// Mean and squares of what was seen so far, joined pairwise: Chan, Golub and LeVeque, "Updating formulae and a pairwise
// algorithm for computing sample variances" (1979). Plain sums of squares would cancel where the mean is large.
struct Moments {
  double count = 0;
  double mean = 0;
  double squares = 0;  // of the distances from the mean
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();

  void Add(const Moments& other) {
    const double total = count + other.count;
    if (total == 0) return;
    const double delta = other.mean - mean;
    mean += delta * other.count / total;
    squares += other.squares + delta * delta * count * other.count / total;
    count = total;
    minimum = std::min(minimum, other.minimum);
    maximum = std::max(maximum, other.maximum);
  }
};

Moments MomentsOf(std::span<const float> values) {
  Moments moments;
  moments.count = static_cast<double>(values.size());
  for (const float value : values) {
    moments.mean += value;
    moments.minimum = std::min<double>(moments.minimum, value);
    moments.maximum = std::max<double>(moments.maximum, value);
  }
  moments.mean /= std::max(moments.count, 1.0);
  for (const float value : values) moments.squares += (value - moments.mean) * (value - moments.mean);
  return moments;
}

absl::StatusOr<size_t> FindChannels(const Schema& schema, const std::string& name) {
  ASSIGN_OR_RETURN(const size_t number, FindField(schema, name));
  const Field& field = schema.fields[number];
  if (field.dtype == DType::kFloat32 && !field.shape.empty() && field.shape[0].known()) return number;
  return absl::InvalidArgumentError(
      absl::StrCat("statistics: field '", name, "': expected float32 with a fixed number of ",
                   "channels in front, got ", NameOf(field.dtype), " ", ToString(field.shape)));
}

}  // namespace

absl::StatusOr<ChannelStatistics> ComputeStatistics(const Pipeline& pipeline, const std::string& field) {
  ASSIGN_OR_RETURN(const size_t number, FindChannels(pipeline.schema(), field));
  std::vector<Moments> channels(static_cast<size_t>(pipeline.schema().fields[number].shape[0].value()));
  for (int64_t i = 0; i < pipeline.size(); ++i) {
    ASSIGN_OR_RETURN(const Sample sample, pipeline.Read(0, i));
    const std::span<const float> values = sample[number].values<float>();
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
      return absl::InvalidArgumentError(
          absl::StrCat("statistics: field '", field, "': sample ", i, ": expected finite values"));
    }
    const size_t size = values.size() / std::max<size_t>(channels.size(), 1);
    for (size_t c = 0; c < channels.size(); ++c) channels[c].Add(MomentsOf(values.subspan(c * size, size)));
  }
  ChannelStatistics statistics;
  for (const Moments& channel : channels) {
    statistics.mean.push_back(channel.mean);
    statistics.deviation.push_back(std::sqrt(channel.squares / std::max(channel.count, 1.0)));
    statistics.minimum.push_back(channel.minimum);
    statistics.maximum.push_back(channel.maximum);
  }
  return statistics;
}

Normalisation Standardise(const ChannelStatistics& statistics) {
  Normalisation result = SubtractMean(statistics);
  for (size_t c = 0; c < result.scale.size(); ++c) {
    const double deviation = statistics.deviation[c];
    result.scale[c] = deviation > 0 ? static_cast<float>(1 / deviation) : 1;
  }
  return result;
}

Normalisation SubtractMean(const ChannelStatistics& statistics) {
  Normalisation result;
  for (const double mean : statistics.mean) result.offset.push_back(static_cast<float>(mean));
  result.scale.assign(result.offset.size(), 1);
  return result;
}

absl::StatusOr<Normalisation> ScaleRange(double low, double high, double to_low, double to_high) {
  const double scale = (to_high - to_low) / (high - low);
  const double offset = low - to_low / scale;
  if (low < high && to_low < to_high && std::isfinite(scale) && std::isfinite(offset) && scale > 0) {
    return Normalisation{{static_cast<float>(offset)}, {static_cast<float>(scale)}};
  }
  return absl::InvalidArgumentError(absl::StrCat("normalisation: expected ranges with the smaller end first, got [",
                                                 low, ", ", high, "] to [", to_low, ", ", to_high, "]"));
}

}  // namespace beak::data
