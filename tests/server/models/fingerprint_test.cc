#include "server/models/fingerprint.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;
using testing::StatusIs;

class FingerprintTest : public ::testing::Test {
 protected:
  uint64_t Print() {
    const auto print = FingerprintFolder(dir_.path());
    EXPECT_OK(print);
    return print->fingerprint;
  }
  void SetTime(const std::string& name, int64_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, (dir_ / name).c_str(), times, 0), 0);
  }

  testing::TempDir dir_;
};

TEST_F(FingerprintTest, IsTheSameUntilSomethingChanges) {
  dir_.Write("model.onnx", "abc");
  const uint64_t first = Print();
  EXPECT_EQ(Print(), first);
  dir_.Write("model.onnx", "abcd");
  SetTime("model.onnx", 1000);
  const uint64_t longer = Print();
  EXPECT_NE(longer, first);
  SetTime("model.onnx", 1001);
  EXPECT_NE(Print(), longer) << "only its time is another";
}

TEST_F(FingerprintTest, SeesFilesThatTakeAnothersPlace) {
  dir_.Write("model.onnx", "abc");
  dir_.Write("other", "xyz");
  SetTime("model.onnx", 1000);
  SetTime("other", 1000);
  const fs::path elsewhere = dir_ / "other";
  const uint64_t before = Print();
  fs::rename(elsewhere, dir_ / "model.onnx");
  EXPECT_NE(Print(), before);
}

TEST_F(FingerprintTest, SeesWhatComesAndGoesAtAnyDepth) {
  const uint64_t empty = Print();
  dir_.Write("a/b/c", "x");
  const uint64_t deep = Print();
  EXPECT_NE(deep, empty);
  dir_.Write("a/b/d", "");
  EXPECT_NE(Print(), deep);
  fs::remove_all(dir_ / "a");
  EXPECT_EQ(Print(), empty);
}

TEST_F(FingerprintTest, CountsBytesButNotThoseOfGoldenSamples) {
  dir_.Write("model.onnx", "12345");
  dir_.Write("weights/w", "123");
  dir_.Write("golden/a/x.npy", "1234567");
  ASSERT_OK_AND_ASSIGN(const FolderPrint print, FingerprintFolder(dir_.path()));
  EXPECT_EQ(print.bytes, 8);
  EXPECT_EQ(print.files, 3);
}

TEST_F(FingerprintTest, LoopsOfLinksEnd) {
  fs::create_directory_symlink(dir_.path(), dir_ / "loop");
  EXPECT_OK(FingerprintFolder(dir_.path()));
}

TEST_F(FingerprintTest, AFolderThatIsNotThereIsNotFound) {
  EXPECT_THAT(FingerprintFolder(dir_ / "none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(FingerprintValueTest, PartsDoNotRunIntoOneAnother) {
  Fingerprint a, b;
  a.Add("ab");
  a.Add("c");
  b.Add("a");
  b.Add("bc");
  EXPECT_NE(a.value(), b.value());
}

}  // namespace
}  // namespace beak
