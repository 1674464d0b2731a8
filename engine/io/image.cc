#include "engine/io/image.h"

#include <optional>

#include "engine/base/checked.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"

namespace beak {

absl::StatusOr<Raster> DecodeImage(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xff\xd8\xff") return DecodeJpeg(bytes);
  if (bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n") return DecodePng(bytes);
  return absl::InvalidArgumentError("image: expected a JPEG or PNG file, got something else");
}

absl::Status CheckImageSize(int64_t width, int64_t height) {
  const std::optional<int64_t> pixels = CheckedMul(width, height);
  if (width > 0 && height > 0 && pixels && *pixels <= limits::kMaxImagePixels) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("image: expected 1 to ", limits::kMaxImagePixels, " pixels, got ", width, " x ", height));
}

}  // namespace beak
