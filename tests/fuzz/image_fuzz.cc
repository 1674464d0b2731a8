// Any bytes as a picture: an error, or a raster whose size is what it says and that can be fitted.
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "engine/io/image.h"
#include "engine/io/image_fit.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<beak::Raster> raster =
      beak::DecodeImage(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!raster.ok()) return 0;
  const int64_t bytes = int64_t{raster->width} * raster->height * raster->channels;
  BEAK_CHECK(static_cast<int64_t>(raster->pixels.size()) == bytes);
  beak::ImageFit fit;
  fit.height = 9;
  fit.width = 7;
  BEAK_CHECK(beak::FitImage(*raster, fit).ok());
  return 0;
}
