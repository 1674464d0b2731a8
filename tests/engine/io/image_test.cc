#include "engine/io/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/base/limits.h"
#include "tests/engine/io/image_files.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::EncodeJpeg;
using ::beak::testing::EncodePng;
using ::beak::testing::PngSpec;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A picture with soft gradients, which JPEG keeps almost as they are.
Raster Gradient(int width, int height, int channels) {
  Raster raster = {width, height, channels, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        raster.pixels.push_back(static_cast<uint8_t>((c == 0 ? x : c == 1 ? y : x + y) * 255 / (width + height)));
      }
    }
  }
  return raster;
}

int LargestDifference(const Raster& a, const Raster& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int largest = 0;
  for (size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i) {
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return largest;
}

Raster Decoded(const std::string& file) {
  const absl::StatusOr<Raster> raster = DecodeImage(file);
  EXPECT_OK(raster);
  return raster.ok() ? *raster : Raster();
}

std::vector<uint8_t> PngPixels(const PngSpec& spec) { return Decoded(EncodePng(spec)).pixels; }

TEST(DecodeImageTest, RefusesOtherFormats) {
  for (const char* bytes : {"", "\xff", "\xff\xd8", "GIF89a", "\x89PNG", "plain text"}) {
    EXPECT_THAT(DecodeImage(bytes), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("JPEG or PNG")));
  }
}

TEST(CheckImageSizeTest, CountsPixels) {
  EXPECT_OK(CheckImageSize(1, limits::kMaxImagePixels));
  EXPECT_THAT(CheckImageSize(2, limits::kMaxImagePixels / 2 + 1), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CheckImageSize(INT64_MAX, INT64_MAX), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CheckImageSize(0, 5), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(WithChannelsTest, GrayIsLumaAndFillsAllChannels) {
  const Raster rgb = {2, 1, 3, {10, 20, 30, 255, 255, 255}};
  EXPECT_THAT(WithChannels(rgb, 1).pixels, ElementsAre(18, 255));
  EXPECT_EQ(WithChannels(rgb, 3).pixels, rgb.pixels);
  const Raster gray = WithChannels({1, 2, 1, {7, 9}}, 3);
  EXPECT_EQ(gray.channels, 3);
  EXPECT_THAT(gray.pixels, ElementsAre(7, 7, 7, 9, 9, 9));
}

TEST(DecodeJpegTest, ReadsColour) {
  const Raster original = Gradient(33, 17, 3);
  for (const bool progressive : {false, true}) {
    const Raster raster = Decoded(EncodeJpeg(original, progressive));
    EXPECT_EQ(raster.width, 33);
    EXPECT_EQ(raster.height, 17);
    EXPECT_EQ(raster.channels, 3);
    EXPECT_LE(LargestDifference(raster, original), 8) << (progressive ? "progressive" : "baseline");
  }
}

TEST(DecodeJpegTest, GrayStaysGray) {
  const Raster original = Gradient(20, 30, 1);
  const Raster raster = Decoded(EncodeJpeg(original));
  EXPECT_EQ(raster.channels, 1);
  EXPECT_LE(LargestDifference(raster, original), 4);
}

TEST(DecodeJpegTest, CmykBecomesRgb) {
  // Inverted CMYK with full black channel is RGB: (200, 100, 50, 255).
  Raster cmyk = {16, 16, 4, {}};
  for (int i = 0; i < 256; ++i) cmyk.pixels.insert(cmyk.pixels.end(), {200, 100, 50, 255});
  const Raster raster = Decoded(EncodeJpeg(cmyk));
  ASSERT_EQ(raster.channels, 3);
  EXPECT_NEAR(raster.pixels[0], 200, 2);
  EXPECT_NEAR(raster.pixels[1], 100, 2);
  EXPECT_NEAR(raster.pixels[2], 50, 2);
}

TEST(DecodeJpegTest, EveryTruncationIsAnError) {
  for (const bool progressive : {false, true}) {
    const std::string file = EncodeJpeg(Gradient(40, 40, 3), progressive);
    for (size_t size = 3; size < file.size(); ++size) {
      EXPECT_THAT(DecodeImage(file.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument))
          << size << " of " << file.size() << " bytes";
    }
  }
}

TEST(DecodeJpegTest, ExtraBytesInFrontOfAMarkerAreHarmless) {
  std::string file = EncodeJpeg(Gradient(16, 16, 3));
  file.insert(file.size() - 2, "abc");
  EXPECT_OK(DecodeImage(file));
}

// Puts a size into the frame header of a JPEG.
std::string WithSize(std::string file, int width, int height) {
  const size_t frame = file.find("\xff\xc0");
  BEAK_CHECK(frame != std::string::npos);
  const auto put = [&](size_t at, int value) {
    file[at] = static_cast<char>(value >> 8);
    file[at + 1] = static_cast<char>(value & 0xff);
  };
  put(frame + 5, height);
  put(frame + 7, width);
  return file;
}

TEST(DecodeJpegTest, TooManyPixelsAreRefusedBeforeAnythingIsAllocated) {
  const std::string file = WithSize(EncodeJpeg(Gradient(16, 16, 3)), 65500, 65500);
  EXPECT_THAT(DecodeImage(file), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("65500 x 65500")));
}

TEST(DecodeJpegTest, ZeroSizesAreRefused) {
  EXPECT_THAT(DecodeImage(WithSize(EncodeJpeg(Gradient(16, 16, 3)), 0, 16)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("jpeg: ")));
}

TEST(DecodeJpegTest, EndlessRefinementIsRefused) {
  std::string file = EncodeJpeg(Gradient(16, 16, 1), /*progressive=*/true);
  // The last scan but one again and again; each would cost a pass over the picture. It refines the blocks' averages,
  // one bit a block, which may be done any number of times without the data becoming wrong.
  const size_t last = file.rfind("\xff\xda");
  const size_t scan = file.rfind("\xff\xda", last - 1);
  const std::string repeated = file.substr(scan, last - scan);
  for (int i = 0; i < 200; ++i) file.insert(scan, repeated);
  EXPECT_THAT(DecodeImage(file), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("scans")));
}

TEST(DecodePngTest, ReadsRgbAndGray) {
  for (const int channels : {1, 3}) {
    const Raster original = Gradient(31, 9, channels);
    const Raster raster = Decoded(EncodePng(original));
    EXPECT_EQ(raster.width, 31);
    EXPECT_EQ(raster.height, 9);
    EXPECT_EQ(raster.channels, channels);
    EXPECT_EQ(raster.pixels, original.pixels);
  }
}

TEST(DecodePngTest, ReadsInterlacedFiles) {
  const Raster original = Gradient(31, 9, 3);
  PngSpec spec = {31, 9};
  spec.interlaced = true;
  spec.pixels = original.pixels;
  EXPECT_EQ(PngPixels(spec), original.pixels);
}

TEST(DecodePngTest, SixteenBitsBecomeEight) {
  PngSpec spec = {2, 1, 16, PNG_COLOR_TYPE_GRAY};
  spec.pixels = {0xff, 0xff, 0x80, 0x00};
  EXPECT_THAT(PngPixels(spec), ElementsAre(255, 128));
}

TEST(DecodePngTest, FewBitsBecomeEight) {
  PngSpec spec = {8, 1, 1, PNG_COLOR_TYPE_GRAY};
  spec.pixels = {0b10100000};
  EXPECT_THAT(PngPixels(spec), ElementsAre(255, 0, 255, 0, 0, 0, 0, 0));
}

TEST(DecodePngTest, PalettesBecomeColours) {
  PngSpec spec = {2, 1, 8, PNG_COLOR_TYPE_PALETTE};
  spec.palette = {{1, 2, 3}, {4, 5, 6}};
  spec.pixels = {1, 0};
  EXPECT_THAT(PngPixels(spec), ElementsAre(4, 5, 6, 1, 2, 3));
}

TEST(DecodePngTest, WhatIsTransparentIsLaidOnWhite) {
  PngSpec rgba = {3, 1, 8, PNG_COLOR_TYPE_RGBA};
  rgba.pixels = {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 51};
  EXPECT_THAT(PngPixels(rgba), ElementsAre(10, 20, 30, 255, 255, 255, 204, 224, 255));

  PngSpec gray_alpha = {2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA};
  gray_alpha.pixels = {10, 255, 10, 0};
  EXPECT_THAT(PngPixels(gray_alpha), ElementsAre(10, 255));

  PngSpec palette = {2, 1, 8, PNG_COLOR_TYPE_PALETTE};
  palette.palette = {{1, 2, 3}, {4, 5, 6}};
  palette.palette_alpha = {0};
  palette.pixels = {0, 1};
  EXPECT_THAT(PngPixels(palette), ElementsAre(255, 255, 255, 4, 5, 6));

  PngSpec key = {2, 1, 8, PNG_COLOR_TYPE_GRAY};
  key.transparent_gray = 7;
  key.pixels = {7, 8};
  EXPECT_THAT(PngPixels(key), ElementsAre(255, 8));
}

TEST(DecodePngTest, EveryTruncationIsAnError) {
  const std::string file = EncodePng(Gradient(20, 20, 3));
  for (size_t size = 8; size < file.size(); ++size) {
    EXPECT_THAT(DecodeImage(file.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("png: ")))
        << size << " of " << file.size() << " bytes";
  }
}

TEST(DecodePngTest, EveryFlippedByteOfTheDataIsAnErrorOrHarmless) {
  const Raster original = Gradient(20, 20, 3);
  const std::string file = EncodePng(original);
  for (size_t i = 8; i < file.size(); ++i) {
    std::string corrupt = file;
    corrupt[i] = static_cast<char>(corrupt[i] ^ 0x55);
    const absl::StatusOr<Raster> raster = DecodeImage(corrupt);
    if (!raster.ok()) continue;
    EXPECT_EQ(raster->pixels, original.pixels) << "byte " << i;
  }
}

// A header with a right checksum, which says any size, and nothing after it.
std::string PngHeaderOnly(uint32_t width, uint32_t height) {
  std::string chunk = "IHDR";
  for (const uint32_t value : {width, height}) {
    for (int shift = 24; shift >= 0; shift -= 8) chunk.push_back(static_cast<char>(value >> shift));
  }
  chunk.append({8, 2, 0, 0, 0});
  uint32_t crc = 0xffffffff;
  for (const char c : chunk) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
  }
  crc = ~crc;
  std::string file("\x89PNG\r\n\x1a\n\0\0\0\x0d", 12);
  file += chunk;
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<char>(crc >> shift));
  file.append("\0\0\0\x04IDATabcd1234", 16);
  return file;
}

TEST(DecodePngTest, TooManyPixelsAreRefusedBeforeAnythingIsAllocated) {
  EXPECT_THAT(DecodeImage(PngHeaderOnly(60000, 60000)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("60000 x 60000")));
  EXPECT_THAT(DecodeImage(PngHeaderOnly(0x7fffffff, 0x7fffffff)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecodeImage(PngHeaderOnly(0, 1)), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(DecodePngTest, APictureThatItsFileCannotHoldIsRefused) {
  EXPECT_THAT(DecodeImage(PngHeaderOnly(8000, 8000)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("8000 x 8000 pixels, got")));
}

}  // namespace
}  // namespace beak
