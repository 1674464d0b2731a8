#include "engine/io/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/io/zip_files.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::beak::testing::ZipOf;
using ::testing::HasSubstr;

constexpr int64_t kMax = 1 << 20;

// Opens the archive and reads all that is in it; the first error.
absl::Status ReadAll(std::string_view bytes, int64_t max_bytes = kMax) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ZipReader> zip, ZipReader::Create(bytes));
  for (size_t i = 0; i < zip->entries().size(); ++i) RETURN_IF_ERROR(zip->Read(i, max_bytes).status());
  return absl::OkStatus();
}

TEST(ZipReaderTest, ReadsStoredAndDeflatedFiles) {
  const std::string zeros(5000, '\0');
  for (const bool deflate : {false, true}) {
    const std::string file = ZipOf({{"a", "beak"}, {"empty", ""}, {"d/b", zeros}}, deflate);
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<ZipReader> zip, ZipReader::Create(file));
    ASSERT_EQ(zip->entries().size(), 3u);
    EXPECT_EQ(zip->entries()[2].name, "d/b");
    EXPECT_EQ(zip->entries()[2].bytes, 5000);
    EXPECT_THAT(zip->Read(0, kMax), IsOkAndHolds("beak"));
    EXPECT_THAT(zip->Read(1, kMax), IsOkAndHolds(""));
    EXPECT_THAT(zip->Read(2, 5000), IsOkAndHolds(zeros));
    EXPECT_THAT(zip->Read(2, 4999), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("'d/b'")));
  }
}

TEST(ZipReaderTest, RefusesWhatIsNoArchive) {
  for (const std::string bytes : {"", "PK\3\4", "not an archive"}) {
    EXPECT_THAT(ZipReader::Create(bytes), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("zip: "))) << bytes;
  }
}

TEST(ZipReaderTest, EveryTruncationIsAnError) {
  const std::string file = ZipOf({{"a", "beak"}});
  ASSERT_OK(ReadAll(file));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(ReadAll(file.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
}

TEST(ZipReaderTest, AChecksumIsCompared) {
  std::string file = ZipOf({{"a", "beak"}}, false);
  file[file.find("beak")] = 'p';
  EXPECT_THAT(ReadAll(file), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'a': CRC")));
}

// Neither a claimed size nor what a few bytes can grow to takes memory before the bytes are there.
TEST(ZipReaderTest, AClaimedSizeIsNotBelieved) {
  std::string file = ZipOf({{"a", "beak"}}, false);
  const std::string size("\4\0\0\0\4\0\0\0", 8);  // compressed and uncompressed, in the local and the central header
  for (size_t at = file.find(size); at != std::string::npos; at = file.find(size, at + 8)) {
    file.replace(at + 4, 4, "\xff\xff\xff\x7e");
  }
  EXPECT_THAT(ReadAll(file, int64_t{1} << 40), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace beak
