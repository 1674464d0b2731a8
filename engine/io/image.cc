#include "engine/io/image.h"

#include <optional>

#include "engine/base/checked.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

namespace beak {
namespace {

Raster ToGray(const Raster& rgb) {
  Raster gray = {rgb.width, rgb.height, 1, std::vector<uint8_t>(rgb.pixels.size() / 3)};
  for (size_t i = 0; i < gray.pixels.size(); ++i) {
    const uint8_t* in = &rgb.pixels[3 * i];
    gray.pixels[i] = static_cast<uint8_t>((299 * in[0] + 587 * in[1] + 114 * in[2] + 500) / 1000);
  }
  return gray;
}

Raster ToRgb(const Raster& gray) {
  Raster rgb = {gray.width, gray.height, 3, {}};
  rgb.pixels.reserve(3 * gray.pixels.size());
  for (const uint8_t value : gray.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, value);
  return rgb;
}

}  // namespace

absl::StatusOr<Raster> DecodeImage(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xff\xd8\xff") return DecodeJpeg(bytes);
  if (bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n") return DecodePng(bytes);
  return absl::InvalidArgumentError("image: expected a JPEG or PNG file, got something else");
}

Raster WithChannels(Raster raster, int channels) {
  if (raster.channels == channels) return raster;
  return channels == 1 ? ToGray(raster) : ToRgb(raster);
}

absl::Status CheckImageSize(int64_t width, int64_t height) {
  const std::optional<int64_t> pixels = CheckedMul(width, height);
  if (width > 0 && height > 0 && pixels && *pixels <= limits::kMaxImagePixels) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("image: expected 1 to ", limits::kMaxImagePixels, " pixels, got ", width, " x ", height));
}

}  // namespace beak
