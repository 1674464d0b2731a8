#pragma once

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/io/image.h"
#include "jpeglib.h"
#include "png.h"

// Writes picture files of the kinds that tests of their readers need.
namespace beak::testing {

// How a PNG is stored; `pixels` has the samples that the colour type wants, 16-bit ones as two bytes, high first.
struct PngSpec {
  int width = 0;
  int height = 0;
  int depth = 8;
  int color_type = PNG_COLOR_TYPE_RGB;
  bool interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
  int transparent_gray = -1;
  std::vector<uint8_t> pixels = {};
};

inline std::string EncodePng(const PngSpec& spec) {
  std::string file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  BEAK_CHECK(setjmp(png_jmpbuf(png)) == 0);
  const auto write = [](png_structp p, png_bytep bytes, size_t size) {
    static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<const char*>(bytes), size);
  };
  png_set_write_fn(png, &file, write, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(spec.width), static_cast<png_uint_32>(spec.height), spec.depth,
               spec.color_type, spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
               PNG_FILTER_TYPE_BASE);
  if (!spec.palette.empty()) png_set_PLTE(png, info, spec.palette.data(), static_cast<int>(spec.palette.size()));
  if (!spec.palette_alpha.empty()) {
    png_set_tRNS(png, info, spec.palette_alpha.data(), static_cast<int>(spec.palette_alpha.size()), nullptr);
  }
  if (spec.transparent_gray >= 0) {
    png_color_16 color = {};
    color.gray = static_cast<png_uint_16>(spec.transparent_gray);
    png_set_tRNS(png, info, nullptr, 0, &color);
  }
  const size_t stride = spec.pixels.size() / static_cast<size_t>(spec.height);
  std::vector<png_bytep> rows;
  for (int y = 0; y < spec.height; ++y) {
    rows.push_back(const_cast<png_bytep>(spec.pixels.data() + static_cast<size_t>(y) * stride));
  }
  png_set_rows(png, info, rows.data());
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&png, &info);
  return file;
}

inline std::string EncodePng(const Raster& raster) {
  PngSpec spec = {raster.width, raster.height};
  spec.color_type = raster.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
  spec.pixels = raster.pixels;
  return EncodePng(spec);
}

// 1 channel is gray, 3 are RGB, 4 are CMYK as Adobe writes it (inverted).
inline std::string EncodeJpeg(const Raster& raster, bool progressive = false, int quality = 95) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(raster.width);
  info.image_height = static_cast<JDIMENSION>(raster.height);
  info.input_components = raster.channels;
  info.in_color_space = raster.channels == 1 ? JCS_GRAYSCALE : raster.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  const size_t stride = static_cast<size_t>(raster.width) * static_cast<size_t>(raster.channels);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(raster.pixels.data() + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string file(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return file;
}

}  // namespace beak::testing
