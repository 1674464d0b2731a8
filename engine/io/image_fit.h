#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "engine/io/image.h"
#include "engine/tensor/tensor.h"

namespace beak {

// How a picture of another shape comes to the network's size.
enum class ResizeMode {
  kFit,      // whole, aspect kept, centred; the rest is 0 (after inversion, before the mean)
  kStretch,  // whole, aspect not kept
  kCrop,     // the shorter side fits, the longer one loses both ends
};
enum class ChannelOrder { kRgb, kBgr, kGray };
enum class ImageLayout { kNchw, kNhwc };

// What a network wants its pictures to look like. A value type.
struct ImageFit {
  int height = 0;
  int width = 0;
  ResizeMode resize = ResizeMode::kFit;
  double kept = 1;  // how much of what kCrop would take is left, in (0, 1]: 0.875 for "shorter side to 256, middle 224"
  ChannelOrder channels = ChannelOrder::kRgb;
  ImageLayout layout = ImageLayout::kNchw;
  bool invert = false;        // 255 - x, before all that follows
  std::vector<float> mean;    // subtracted, in units of 0..255; one for all or one per channel; empty: 0
  std::vector<float> factor;  // multiplied with what is left; likewise; empty: 1
  DType dtype = DType::kFloat32;
};

// The tensor of one picture, [channels, height, width] or [height, width, channels] by the layout. Integer types are
// rounded to nearest and saturate. INVALID_ARGUMENT for a fit that makes no sense.
absl::StatusOr<Tensor> FitImage(const Raster& raster, const ImageFit& fit);

}  // namespace beak
