#include "engine/io/image_fit.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "engine/base/status.h"
#include "engine/io/resample.h"

namespace beak {
namespace {

// Where in the output the picture lies, and which part of it.
struct Placement {
  Box source;
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

Placement Place(const Raster& raster, const ImageFit& fit) {
  const double width = raster.width;
  const double height = raster.height;
  const double across = fit.width / width;
  const double down = fit.height / height;
  Placement place = {{0, 0, width, height}, 0, 0, fit.width, fit.height};
  if (fit.resize == ResizeMode::kFit) {
    const double scale = std::min(across, down);
    place.width = std::clamp(static_cast<int>(std::lround(width * scale)), 1, fit.width);
    place.height = std::clamp(static_cast<int>(std::lround(height * scale)), 1, fit.height);
    place.x = (fit.width - place.width) / 2;
    place.y = (fit.height - place.height) / 2;
  } else if (fit.resize == ResizeMode::kCrop) {
    const double scale = std::max(across, down) / fit.kept;
    place.source.width = std::min(width, fit.width / scale);
    place.source.height = std::min(height, fit.height / scale);
    place.source.x = (width - place.source.width) / 2;
    place.source.y = (height - place.source.height) / 2;
  }
  return place;
}

absl::Status CheckPerChannel(const char* name, const std::vector<float>& values, size_t channels) {
  if (values.size() > 1 && values.size() != channels) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": expected one value or ", channels, ", one per channel, got ", values.size()));
  }
  const bool finite = std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  if (!finite) return absl::InvalidArgumentError(absl::StrCat(name, ": expected finite values"));
  return absl::OkStatus();
}

float PerChannel(const std::vector<float>& values, size_t channel, float otherwise) {
  if (values.empty()) return otherwise;
  return values.size() == 1 ? values[0] : values[channel];
}

absl::Status CheckFit(const Raster& raster, const ImageFit& fit) {
  if (raster.channels != 1 && raster.channels != 3) {
    return absl::InvalidArgumentError(absl::StrCat("image: expected 1 or 3 channels, got ", raster.channels));
  }
  const size_t channels = fit.channels == ChannelOrder::kGray ? 1 : 3;
  RETURN_IF_ERROR(CheckImageSize(raster.width, raster.height));
  RETURN_IF_ERROR(CheckImageSize(fit.width, fit.height));
  RETURN_IF_ERROR(CheckPerChannel("image mean", fit.mean, channels));
  RETURN_IF_ERROR(CheckPerChannel("image scale", fit.factor, channels));
  if (!(fit.kept > 0 && fit.kept <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("image: expected to keep a part in (0, 1], got ", fit.kept));
  }
  if (fit.dtype == DType::kBool) return absl::InvalidArgumentError("image: expected a network with numbers, got bool");
  return absl::OkStatus();
}

// One channel of the output: what the picture does not cover is 0 before mean and factor.
struct Plane {
  float* out;
  size_t step;  // from one pixel to the next
  float mean;
  float factor;

  void Fill(const ImageFit& fit) const {
    const size_t count = static_cast<size_t>(fit.width) * static_cast<size_t>(fit.height);
    for (size_t i = 0; i < count; ++i) out[i * step] = (0 - mean) * factor;
  }

  // `pixels` are interleaved; `channel` of `channels` is meant.
  void Draw(const std::vector<float>& pixels, size_t channels, size_t channel, const Placement& place,
            const ImageFit& fit) const {
    const float* from = pixels.data() + channel;
    for (int y = 0; y < place.height; ++y) {
      float* to = out + (static_cast<size_t>(place.y + y) * static_cast<size_t>(fit.width) + place.x) * step;
      for (int x = 0; x < place.width; ++x) {
        const float value = fit.invert ? 255 - *from : *from;
        *to = (value - mean) * factor;
        from += channels;
        to += step;
      }
    }
  }
};

absl::StatusOr<Tensor> ToType(Tensor tensor, DType dtype) {
  if (IsInteger(dtype)) {
    for (float& value : tensor.mutable_values<float>()) value = std::nearbyint(value);
  }
  return CastTo(tensor, dtype);
}

}  // namespace

absl::StatusOr<Tensor> FitImage(const Raster& raster, const ImageFit& fit) {
  RETURN_IF_ERROR(CheckFit(raster, fit));
  const bool gray = fit.channels == ChannelOrder::kGray;
  const Placement place = Place(raster, fit);
  const Raster converted = gray && raster.channels != 1 ? WithChannels(raster, 1) : Raster();
  const Raster& stored_as = converted.pixels.empty() ? raster : converted;
  const std::vector<float> pixels = Resample(stored_as, place.source, place.width, place.height);
  const size_t stored = static_cast<size_t>(stored_as.channels);

  const size_t channels = gray ? 1 : 3;
  const bool planar = fit.layout == ImageLayout::kNchw;
  const int64_t depth = static_cast<int64_t>(channels);
  const Shape shape = planar ? Shape{depth, fit.height, fit.width} : Shape{fit.height, fit.width, depth};
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DType::kFloat32, shape));
  const size_t area = static_cast<size_t>(fit.width) * static_cast<size_t>(fit.height);
  for (size_t c = 0; c < channels; ++c) {
    float* out = tensor.mutable_values<float>().data() + (planar ? c * area : c);
    const Plane plane = {out, planar ? 1 : channels, PerChannel(fit.mean, c, 0), PerChannel(fit.factor, c, 1)};
    const size_t from = fit.channels == ChannelOrder::kBgr ? channels - 1 - c : c;
    plane.Fill(fit);
    plane.Draw(pixels, stored, stored == 1 ? 0 : from, place, fit);
  }
  return ToType(std::move(tensor), fit.dtype);
}

}  // namespace beak
