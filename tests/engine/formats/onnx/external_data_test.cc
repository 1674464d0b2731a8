#include "engine/formats/onnx/external_data.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::onnx_format {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

class ExternalDataTest : public ::testing::Test {
 protected:
  ExternalDataTest() {
    dir_.Write("model/w", "weights");
    dir_.Write("model/sub/w", "weights");
    dir_.Write("secret", "secrets");
  }
  absl::Status Read(const std::string& path) { return ReadExternalData(dir_ / "model", {path, 0, -1}, 7).status(); }

  testing::TempDir dir_;
};

TEST_F(ExternalDataTest, ReadsBeneathTheFolder) {
  EXPECT_THAT(Read("w"), IsOk());
  EXPECT_THAT(Read("sub/w"), IsOk());
  EXPECT_THAT(Read("missing"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("external data 'missing'")));
}

TEST_F(ExternalDataTest, PathsOutOfTheFolderAreRefused) {
  for (const char* path : {"../secret", "sub/../../secret", "sub/../w", "./w", "sub//w", "/w", "", "..", ".", "sub/"}) {
    EXPECT_THAT(Read(path), StatusIs(kInvalid)) << path;
  }
  EXPECT_THAT(Read(dir_ / "secret"), StatusIs(kInvalid));
  EXPECT_THAT(Read(std::string("w\0/../x", 7)), StatusIs(kInvalid));
}

TEST_F(ExternalDataTest, LinksAreNotFollowed) {
  std::filesystem::create_symlink("../secret", dir_ / "model/link");
  std::filesystem::create_directory_symlink("..", dir_ / "model/up");
  std::filesystem::create_symlink("w", dir_ / "model/inside");
  EXPECT_THAT(Read("link"), StatusIs(kInvalid, HasSubstr("symbolic link")));
  EXPECT_THAT(Read("up/secret"), StatusIs(kInvalid));
  EXPECT_THAT(Read("inside"), StatusIs(kInvalid));
}

TEST_F(ExternalDataTest, OnlyRegularFilesAreRead) {
  ASSERT_EQ(mkfifo((dir_ / "model/fifo").c_str(), 0600), 0);
  EXPECT_THAT(Read("fifo"), StatusIs(kInvalid, HasSubstr("regular file")));  // and does not wait for a writer
  EXPECT_THAT(Read("sub"), StatusIs(kInvalid));
  EXPECT_THAT(Read("w/w"), StatusIs(kInvalid));
}

TEST_F(ExternalDataTest, TheModelsFolderItselfMayBeALink) {
  std::filesystem::create_directory_symlink(dir_ / "model", dir_ / "current");
  EXPECT_THAT(ReadExternalData(dir_ / "current", {"w", 0, 7}, 7), IsOk());
}

}  // namespace
}  // namespace beak::onnx_format
