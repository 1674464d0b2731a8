#include "engine/io/decompress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/io/compressed.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::beak::testing::Gzip;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::beak::testing::Xz;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kMax = 1 << 20;

// What `printf beak | gzip -n` writes.
const std::string kGzipFile("\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4a\x4d\xcc\x06\0\x69\x0b\xf1\x58\x04\0\0\0", 24);

std::string Text(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += absl::StrCat(i, " ");
  text.resize(size);
  return text;
}

TEST(DecompressTest, PlainBytesAreGivenBack) {
  for (const std::string plain : {"", "\x1f", "beak", "\xfd"})
    EXPECT_THAT(Decompress(plain, kMax), IsOkAndHolds(plain));
}

TEST(DecompressTest, ReadsWhatGzipWrites) { EXPECT_THAT(Decompress(kGzipFile, kMax), IsOkAndHolds("beak")); }

TEST(DecompressTest, BothFormatsComeBackAtEverySize) {
  for (const size_t size : {0, 1, 65535, 65536, 65537, 131072, 1000000, 1 << 20}) {
    const std::string text = Text(size);
    EXPECT_THAT(Decompress(Gzip(text), kMax), IsOkAndHolds(text)) << size;
    EXPECT_THAT(Decompress(Xz(text), kMax), IsOkAndHolds(text)) << size;
  }
}

TEST(DecompressTest, ConcatenatedFilesAreOne) {
  EXPECT_THAT(Decompress(Gzip("be") + Gzip("") + Gzip("ak"), kMax), IsOkAndHolds("beak"));
  EXPECT_THAT(Decompress(Xz("be") + Xz("ak"), kMax), IsOkAndHolds("beak"));
}

TEST(DecompressTest, EveryTruncationIsAnError) {
  for (const std::string& file : {Gzip("beak"), Xz("beak")}) {
    for (size_t size = 6; size < file.size(); ++size) {
      EXPECT_THAT(Decompress(file.substr(0, size), kMax),
                  StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cut short")))
          << size;
    }
  }
}

TEST(DecompressTest, EveryFlippedBitOfTheDataIsAnErrorOrHarmless) {
  for (const std::string& file : {Gzip("beak"), Xz("beak")}) {
    for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
      std::string changed = file;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
      const absl::StatusOr<std::string> result = Decompress(changed, kMax);
      // The header's time and system are not checked; without its magic the file is a plain one.
      if (!result.ok()) continue;
      EXPECT_TRUE(*result == "beak" || *result == changed) << bit;
    }
  }
}

TEST(DecompressTest, BytesLeftOverAreAnError) {
  EXPECT_THAT(Decompress(Gzip("beak") + "x", kMax),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 more bytes")));
  EXPECT_THAT(Decompress(Xz("beak") + "x", kMax), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(DecompressTest, ABombStopsAtTheLimit) {
  const std::string zeros(10 << 20, '\0');
  for (const std::string& bomb : {Gzip(zeros), Xz(zeros)}) {
    EXPECT_LT(bomb.size(), 20000u);
    EXPECT_THAT(Decompress(bomb, kMax),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 1048576 bytes")));
    EXPECT_OK(Decompress(bomb, 10 << 20));
    EXPECT_THAT(Decompress(bomb, (10 << 20) - 1), StatusIs(absl::StatusCode::kResourceExhausted));
  }
}

TEST(DecompressTest, ADictionaryMayNotTakeMuchMemory) {
  lzma_options_lzma options;
  ASSERT_FALSE(lzma_lzma_preset(&options, 0));
  options.dict_size = uint32_t{1} << 30;
  // The header of a block says how large its dictionary is, whatever follows.
  std::string file = Xz("beak");
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  lzma_block block = {};
  block.check = LZMA_CHECK_CRC64;
  block.filters = filters;
  block.compressed_size = LZMA_VLI_UNKNOWN;
  block.uncompressed_size = LZMA_VLI_UNKNOWN;
  ASSERT_EQ(lzma_block_header_size(&block), LZMA_OK);
  std::string header(block.header_size, '\0');
  ASSERT_EQ(lzma_block_header_encode(&block, reinterpret_cast<uint8_t*>(header.data())), LZMA_OK);
  file = file.substr(0, LZMA_STREAM_HEADER_SIZE) + header;
  EXPECT_THAT(Decompress(file, kMax), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("bytes of memory")));
}

TEST(ReadDataFileTest, ErrorsNameTheFile) {
  const TempDir dir;
  EXPECT_THAT(ReadDataFile(dir.Write("a.gz", kGzipFile), kMax), IsOkAndHolds("beak"));
  EXPECT_THAT(ReadDataFile(dir / "b.gz", kMax), StatusIs(absl::StatusCode::kNotFound, HasSubstr("b.gz")));
  EXPECT_THAT(ReadDataFile(dir.Write("c.gz", kGzipFile.substr(0, 9)), kMax),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("c.gz"), HasSubstr("cut short"))));
}

}  // namespace
}  // namespace beak
