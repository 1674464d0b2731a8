#include <csetjmp>
#include <cstdio>
#include <string>

#include "engine/base/status.h"
#include "engine/io/image.h"

// jpeglib.h needs <cstdio> before it, and jerror.h needs jpeglib.h: without it its codes have other numbers.
// clang-format off
#include "jpeglib.h"
#include "jerror.h"
// clang-format on

namespace beak {
namespace {

// A progressive file may refine the picture in as many scans as it likes, each a pass over all of it; real ones have
// about ten.
constexpr int kMaxScans = 32;

// libjpeg reports through callbacks that must not return. The functions that jump hold only trivially destructible
// objects between setjmp and the call into the library.
class JpegDecoder {
 public:
  JpegDecoder() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = &JpegDecoder::OnError;
    errors_.base.emit_message = &JpegDecoder::OnMessage;
    progress_.progress_monitor = &JpegDecoder::OnProgress;
  }
  ~JpegDecoder() { jpeg_destroy_decompress(&info_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // False on error, here and below; message() says which.
  bool ReadHeader(const unsigned char* bytes, size_t size) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes, size);
    jpeg_read_header(&info_, TRUE);
    if (info_.jpeg_color_space == JCS_GRAYSCALE) {
      info_.out_color_space = JCS_GRAYSCALE;
    } else if (info_.num_components == 4) {
      info_.out_color_space = JCS_CMYK;
    } else {
      info_.out_color_space = JCS_RGB;
    }
    jpeg_calc_output_dimensions(&info_);
    return true;
  }

  // `pixels` holds height() * width() * components() bytes.
  bool ReadPixels(uint8_t* pixels) {
    if (setjmp(errors_.jump) != 0) return false;
    jpeg_start_decompress(&info_);
    const size_t stride = size_t{info_.output_width} * static_cast<size_t>(info_.output_components);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
    return true;
  }

  int64_t width() const { return info_.output_width; }
  int64_t height() const { return info_.output_height; }
  int components() const { return info_.output_components; }
  // Adobe's programs write CMYK inverted, and nobody else writes any.
  bool inverted_cmyk() const { return info_.saw_Adobe_marker != 0; }
  const char* message() const { return errors_.message; }

 private:
  struct Errors {
    jpeg_error_mgr base;  // first: the library knows only this part
    std::jmp_buf jump;
    char message[JMSG_LENGTH_MAX] = "";
  };

  static Errors& ErrorsOf(j_common_ptr info) { return *reinterpret_cast<Errors*>(info->err); }

  [[noreturn]] static void OnError(j_common_ptr info) {
    Errors& errors = ErrorsOf(info);
    info->err->format_message(info, errors.message);
    std::longjmp(errors.jump, 1);
  }

  // The library only warns of data that is missing or wrong and makes something up; we would rather know.
  static void OnMessage(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
      case JWRN_JPEG_EOF:
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_ARITH_BAD_CODE:
      case JWRN_MUST_RESYNC:
        OnError(info);
      default:
        return;
    }
  }

  static void OnProgress(j_common_ptr info) {
    if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
    Errors& errors = ErrorsOf(info);
    std::snprintf(errors.message, sizeof(errors.message), "expected at most %d scans", kMaxScans);
    std::longjmp(errors.jump, 1);
  }

  jpeg_decompress_struct info_ = {};
  jpeg_progress_mgr progress_ = {};
  Errors errors_ = {};
};

// Four components a pixel to three, in place.
void CmykToRgb(bool inverted, Raster& raster) {
  const size_t count = size_t{static_cast<unsigned>(raster.width)} * static_cast<unsigned>(raster.height);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* in = &raster.pixels[4 * i];
    const int black = inverted ? in[3] : 255 - in[3];
    for (size_t c = 0; c < 3; ++c) {
      const int ink = inverted ? in[c] : 255 - in[c];
      raster.pixels[3 * i + c] = static_cast<uint8_t>((ink * black + 127) / 255);
    }
  }
  raster.channels = 3;
  raster.pixels.resize(3 * count);
}

}  // namespace

absl::StatusOr<Raster> DecodeJpeg(std::string_view bytes) {
  const auto bad = [](const JpegDecoder& decoder) {
    return absl::InvalidArgumentError(absl::StrCat("jpeg: ", decoder.message()));
  };
  JpegDecoder decoder;
  if (!decoder.ReadHeader(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) return bad(decoder);
  RETURN_IF_ERROR(CheckImageSize(decoder.width(), decoder.height()));
  Raster raster = {static_cast<int>(decoder.width()), static_cast<int>(decoder.height()), decoder.components(), {}};
  raster.pixels.resize(static_cast<size_t>(decoder.width() * decoder.height()) * decoder.components());
  if (!decoder.ReadPixels(raster.pixels.data())) return bad(decoder);
  if (raster.channels == 4) CmykToRgb(decoder.inverted_cmyk(), raster);
  return raster;
}

}  // namespace beak
