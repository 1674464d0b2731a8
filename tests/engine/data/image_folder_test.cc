#include "engine/data/image_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/base/file.h"
#include "engine/data/classes.h"
#include "tests/engine/data/sources.h"
#include "tests/engine/io/image_files.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::data {
namespace {

using ::beak::testing::EncodeJpeg;
using ::beak::testing::EncodePng;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::RealData;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// A picture of one colour.
Raster Plain(int width, int height, const std::vector<uint8_t>& color) {
  Raster raster = {width, height, static_cast<int>(color.size()), {}};
  for (int i = 0; i < width * height; ++i) raster.pixels.insert(raster.pixels.end(), color.begin(), color.end());
  return raster;
}

class ImageFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_.Write("dog/1.png", EncodePng(Plain(2, 3, {10, 20, 30})));
    dir_.Write("cat/b.jpg", EncodeJpeg(Plain(2, 3, {200})));
    dir_.Write("cat/a.png", EncodePng(Plain(2, 3, {7})));
    dir_.Write("cat/.hidden", "x");
    dir_.Write("readme.txt", "x");
  }

  void ExpectRefused(const ImageFolderOptions& options, const std::string& message) {
    EXPECT_THAT(OpenImageFolder(dir_.path(), options),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(dir_.path()), HasSubstr(message))));
  }

  const TempDir dir_;
};

TEST_F(ImageFolderTest, ClassesAreFoldersInOrder) {
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir_.path(), {}));
  EXPECT_EQ(Describe(source->schema()), "image uint8 [3, 2, 3], label int64 [] of 2 classes");
  EXPECT_THAT(source->schema().fields[1].class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(0, 0, 1)));
  ASSERT_OK_AND_ASSIGN(const Tensor gray, source->ReadField(0, 0));
  EXPECT_THAT(testing::ValuesOf<uint8_t>(gray), Each(7)) << "gray becomes RGB";
  ASSERT_OK_AND_ASSIGN(const Tensor dog, source->ReadField(2, 0));
  EXPECT_THAT(dog.values<uint8_t>().first(4), ElementsAre(10, 20, 30, 10));
}

TEST_F(ImageFolderTest, PicturesMayBeGray) {
  ImageFolderOptions options;
  options.channels = 1;
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir_.path(), options));
  ASSERT_OK_AND_ASSIGN(const Tensor dog, source->ReadField(2, 0));
  EXPECT_THAT(dog.shape(), ElementsAre(3, 2, 1));
  // 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15
  EXPECT_THAT(testing::ValuesOf<uint8_t>(dog), Each(18));
  options.channels = 4;
  ExpectRefused(options, "1 or 3 channels, got 4");
}

TEST_F(ImageFolderTest, SizesMayDiffer) {
  const std::string path = dir_.Write("dog/2.png", EncodePng(Plain(5, 4, {1, 2, 3})));
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir_.path(), {}));
  EXPECT_EQ(Describe(source->schema()), "image uint8 [?, ?, 3], label int64 [] of 2 classes");
  ASSERT_OK_AND_ASSIGN(const Tensor dog, source->ReadField(3, 0));
  EXPECT_THAT(dog.shape(), ElementsAre(4, 5, 3));
  ImageFolderOptions options;
  options.same_size = true;
  ExpectRefused(options, path + "': expected 2 x 3 pixels as the first picture has, got 5 x 4");
}

TEST_F(ImageFolderTest, ABadFileIsAnErrorOrSkipped) {
  const std::string png = EncodePng(Plain(2, 3, {1, 2, 3}));
  const std::string cut = dir_.Write("dog/0.png", png.substr(0, png.size() - 20));
  dir_.Write("dog/Thumbs.db", "x");
  dir_.Write("dog/more/1.png", png);
  ExpectRefused({}, cut + "': png: ");
  ImageFolderOptions options;
  options.on_bad = OnBadSample::kSkip;
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir_.path(), options));
  EXPECT_EQ(source->size(), 3);
  EXPECT_EQ(source->skipped().count, 3);
  EXPECT_THAT(source->skipped().reasons[0].message(), HasSubstr(cut));
  EXPECT_THAT(source->skipped().reasons[1].message(), HasSubstr("Thumbs.db': image: expected a JPEG or PNG file"));
  EXPECT_THAT(source->skipped().reasons[2].message(), HasSubstr("more': not a regular file"));
}

TEST_F(ImageFolderTest, AClassNeedsAPicture) {
  std::filesystem::create_directory(dir_ / "bird");
  ExpectRefused({}, "class 'bird': expected at least one picture");
}

// A held-out folder without cats still says 1 for dogs.
TEST_F(ImageFolderTest, ClassesMayBeGiven) {
  const TempDir held_out;
  held_out.Write("dog/1.png", EncodePng(Plain(2, 3, {1})));
  ImageFolderOptions options;
  options.class_names = {"cat", "dog"};
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(held_out.path(), options));
  EXPECT_EQ(source->schema().fields[1].num_classes, 2);
  EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(1)));
  options.class_names = {"cat", "bird"};
  ExpectRefused(options, "expected the classes cat, bird, got a folder 'dog'");
  options.class_names = {"cat", "dog", "cat"};
  ExpectRefused(options, "expected each class name once");
}

TEST_F(ImageFolderTest, AFolderNeedsClasses) {
  const TempDir empty;
  empty.Write("1.png", EncodePng(Plain(1, 1, {1})));
  EXPECT_THAT(OpenImageFolder(empty.path(), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a folder for each of 1 to")));
  EXPECT_THAT(OpenImageFolder(empty / "none", {}), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ImageFolderTest, NothingOutsideTheRootIsRead) {
  const TempDir outside;
  outside.Write("secret.png", EncodePng(Plain(2, 3, {1, 2, 3})));
  std::filesystem::create_symlink(outside / "secret.png", dir_ / "dog/2.png");
  ASSERT_OK_AND_ASSIGN(const SourcePtr anywhere, OpenImageFolder(dir_.path(), {}));
  EXPECT_EQ(anywhere->size(), 4);
  ImageFolderOptions options;
  options.root = dir_.path();
  EXPECT_THAT(OpenImageFolder(dir_.path(), options),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("dog/2.png': expected a path within")));
  options.on_bad = OnBadSample::kSkip;
  ASSERT_OK_AND_ASSIGN(const SourcePtr within, OpenImageFolder(dir_.path(), options));
  EXPECT_EQ(within->size(), 3);
}

TEST_F(ImageFolderTest, NothingOutsideTheRootIsListed) {
  const TempDir outside;
  outside.Write("secret.png", EncodePng(Plain(2, 3, {1, 2, 3})));
  std::filesystem::create_directory_symlink(outside.path(), dir_ / "lion");
  ImageFolderOptions options;
  options.root = dir_.path();
  options.on_bad = OnBadSample::kSkip;
  EXPECT_THAT(OpenImageFolder(dir_.path(), options),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("/lion': expected a path within")));
  EXPECT_THAT(OpenImageFolder(outside.path(), options), StatusIs(absl::StatusCode::kPermissionDenied));
}

// A picture that becomes a link once the folder is open.
TEST_F(ImageFolderTest, NothingOutsideTheRootIsReadLater) {
  const TempDir outside;
  const std::string secret = outside.Write("secret.png", EncodePng(Plain(2, 3, {1, 2, 3})));
  ImageFolderOptions options;
  options.root = dir_.path();
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir_.path(), options));
  std::filesystem::remove(dir_ / "dog/1.png");
  std::filesystem::create_symlink(secret, dir_ / "dog/1.png");
  EXPECT_THAT(source->Read(2),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("dog/1.png': expected a path within")));
}

TEST_F(ImageFolderTest, TellsHowFarItIs) {
  std::vector<std::pair<int64_t, int64_t>> calls;
  ImageFolderOptions options;
  options.progress = [&](int64_t done, int64_t total) { calls.emplace_back(done, total); };
  ASSERT_OK(OpenImageFolder(dir_.path(), options));
  EXPECT_THAT(calls, ElementsAre(Pair(3, 3)));
}

// A file that goes bad after the start is an error of its sample.
TEST_F(ImageFolderTest, AFileThatChangesIsAnErrorThen) {
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir_.path(), {}));
  dir_.Write("dog/1.png", "x");
  EXPECT_THAT(source->Read(2), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dog/1.png")));
}

TEST(RealImageFolderTest, ReadsPhotographs) {
  const std::string from = RealData("datasets/imagenet_samples/");
  const std::vector<std::string> names = {"n02391049_zebra.JPEG", "n09472597_volcano.JPEG"};
  if (!IsRegularFile(from + names[0])) GTEST_SKIP() << from << " is not there (BEAK_DATA)";
  const TempDir dir;
  for (const std::string& name : names) {
    std::filesystem::create_directory(dir / name);
    std::filesystem::copy_file(from + name, dir / (name + "/" + name));
  }
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenImageFolder(dir.path(), {}));
  EXPECT_EQ(source->size(), 2);
  ASSERT_OK_AND_ASSIGN(const Tensor zebra, source->ReadField(0, 0));
  EXPECT_GT(zebra.shape()[0], 100);
  EXPECT_GT(zebra.shape()[1], 100);
}

}  // namespace
}  // namespace beak::data
