#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace beak {

// A decoded picture: 8 bits a channel, one channel (gray) or three (RGB), pixels interleaved, rows from the top without
// padding. A value type.
struct Raster {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;  // height * width * channels
};

// A JPEG or PNG, told by its first bytes; nobody needs to have checked them. INVALID_ARGUMENT for another format, for
// what is corrupt or cut short; RESOURCE_EXHAUSTED above limits::kMaxImagePixels. Sample values are taken as stored:
// neither gamma, colour profile nor EXIF orientation is applied.
absl::StatusOr<Raster> DecodeImage(std::string_view bytes);

// Baseline and progressive, gray, YCbCr, RGB and CMYK.
absl::StatusOr<Raster> DecodeJpeg(std::string_view bytes);

// Every colour type and depth; 16 bits become 8, what is transparent is laid on white.
absl::StatusOr<Raster> DecodePng(std::string_view bytes);

// The same picture with `channels`, 1 or 3: gray as ITU-R BT.601 weighs it, which JPEG and Pillow use too, or gray in
// each channel.
Raster WithChannels(Raster raster, int channels);

// RESOURCE_EXHAUSTED when a picture of this size is above the limit. For decoders, before they allocate.
absl::Status CheckImageSize(int64_t width, int64_t height);

}  // namespace beak
