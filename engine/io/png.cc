#include "png.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "engine/base/status.h"
#include "engine/io/image.h"

namespace beak {
namespace {

// Deflate cannot compress better than 1 : 1032; a picture that claims more is cut short or a lie.
constexpr int64_t kMaxDeflateRatio = 1032;
constexpr png_alloc_size_t kMaxChunkBytes = 8 << 20;
constexpr png_uint_32 kMaxCachedChunks = 128;

// libpng reports errors through a callback that must not return. The functions that jump hold only trivially
// destructible objects between setjmp and the call into the library.
class PngDecoder {
 public:
  explicit PngDecoder(std::string_view bytes) : rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &PngDecoder::OnError, &PngDecoder::OnWarning);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  // False on error, here and below; message() says which.
  bool ReadHeader() {
    if (png_ == nullptr || info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_set_chunk_cache_max(png_, kMaxCachedChunks);
    png_set_read_fn(png_, this, &PngDecoder::OnRead);
    png_read_info(png_, info_);
    return true;
  }

  // Asks for 8 bits a channel, whatever the file has, and gray, gray + alpha, RGB or RGBA.
  bool SetTransforms() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_expand(png_);  // palettes to RGB, 1, 2 and 4 bits to 8, a transparent colour to alpha
    png_set_scale_16(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  // `pixels` holds height() * row_bytes() bytes.
  bool ReadPixels(uint8_t* pixels) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    const size_t stride = png_get_rowbytes(png_, info_);
    const png_uint_32 rows = png_get_image_height(png_, info_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (png_uint_32 row = 0; row < rows; ++row) png_read_row(png_, pixels + row * stride, nullptr);
    }
    png_read_end(png_, nullptr);
    return true;
  }

  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int64_t row_bytes() const { return static_cast<int64_t>(png_get_rowbytes(png_, info_)); }
  int channels() const { return png_get_channels(png_, info_); }
  const char* message() const { return message_; }

 private:
  [[noreturn]] static void OnError(png_structp png, png_const_charp message) {
    PngDecoder& self = *static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::snprintf(self.message_, sizeof(self.message_), "%s", message);
    png_longjmp(png, 1);
  }

  static void OnWarning(png_structp, png_const_charp) {}

  static void OnRead(png_structp png, png_bytep out, size_t size) {
    PngDecoder& self = *static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (size > self.rest_.size()) png_error(png, "premature end of file");
    std::memcpy(out, self.rest_.data(), size);
    self.rest_.remove_prefix(size);
  }

  std::string_view rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
  char message_[256] = "out of memory";
};

// Lays pixels whose last channel is alpha on white, in place, and drops the alpha.
void CompositeOnWhite(Raster& raster) {
  const size_t from = static_cast<size_t>(raster.channels);
  const size_t to = from - 1;
  const size_t count = raster.pixels.size() / from;
  for (size_t i = 0; i < count; ++i) {
    const int alpha = raster.pixels[i * from + to];
    for (size_t c = 0; c < to; ++c) {
      const int value = raster.pixels[i * from + c];
      raster.pixels[i * to + c] = static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  raster.channels = static_cast<int>(to);
  raster.pixels.resize(count * to);
}

}  // namespace

absl::StatusOr<Raster> DecodePng(std::string_view bytes) {
  const auto bad = [](const PngDecoder& decoder) {
    return absl::InvalidArgumentError(absl::StrCat("png: ", decoder.message()));
  };
  PngDecoder decoder(bytes);
  if (!decoder.ReadHeader()) return bad(decoder);
  RETURN_IF_ERROR(CheckImageSize(decoder.width(), decoder.height()));
  const int64_t stored_bytes = decoder.row_bytes() * decoder.height();
  if (stored_bytes / kMaxDeflateRatio > static_cast<int64_t>(bytes.size())) {
    return absl::InvalidArgumentError(absl::StrCat("png: expected the data of ", decoder.width(), " x ",
                                                   decoder.height(), " pixels, got ", bytes.size(), " bytes"));
  }
  if (!decoder.SetTransforms()) return bad(decoder);
  Raster raster = {static_cast<int>(decoder.width()), static_cast<int>(decoder.height()), decoder.channels(), {}};
  raster.pixels.resize(static_cast<size_t>(decoder.row_bytes() * decoder.height()));
  if (!decoder.ReadPixels(raster.pixels.data())) return bad(decoder);
  if (raster.channels == 2 || raster.channels == 4) CompositeOnWhite(raster);
  return raster;
}

}  // namespace beak
