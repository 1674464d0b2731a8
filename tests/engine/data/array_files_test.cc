#include "engine/data/array_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/base/file.h"
#include "engine/io/npy.h"
#include "tests/engine/data/sources.h"
#include "tests/engine/io/compressed.h"
#include "tests/engine/io/zip_files.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::data {
namespace {

using ::beak::testing::Gzip;
using ::beak::testing::RealData;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::beak::testing::Xz;
using ::beak::testing::ZipOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two pictures of 2 x 3, and their labels.
const std::string kImages("\0\0\x08\x03\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijkl", 28);
const std::string kLabels("\0\0\x08\x01\0\0\0\2\7\1", 10);

std::vector<ArrayFile> Pair(const std::string& images, const std::string& labels) {
  return {{"image", images, "", {}}, {"label", labels, "", Classes{}}};
}

void ExpectBothPictures(const absl::StatusOr<SourcePtr>& source) {
  ASSERT_OK(source);
  EXPECT_EQ((*source)->size(), 2);
  EXPECT_EQ(Describe((*source)->schema()), "image uint8 [2, 3], label int64 [] of 8 classes");
  ASSERT_OK_AND_ASSIGN(const Sample sample, (*source)->Read(1));
  EXPECT_THAT(testing::ValuesOf<uint8_t>(sample[0]), ElementsAre('g', 'h', 'i', 'j', 'k', 'l'));
  EXPECT_THAT(testing::ValuesOf<int64_t>(sample[1]), ElementsAre(1));
}

TEST(ArrayFilesTest, ReadsIdxPlainOrCompressed) {
  const TempDir dir;
  ExpectBothPictures(OpenArrayFiles(Pair(dir.Write("i", kImages), dir.Write("l", kLabels)), OnBadSample::kFail));
  ExpectBothPictures(
      OpenArrayFiles(Pair(dir.Write("i.gz", Gzip(kImages)), dir.Write("l.xz", Xz(kLabels))), OnBadSample::kFail));
}

TEST(ArrayFilesTest, ReadsNpyAndNpz) {
  const TempDir dir;
  const std::string images =
      FormatNpy(Tensor::Of<uint8_t>({2, 2, 3}, {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'}));
  const std::string labels = FormatNpy(Tensor::Of<int16_t>({2}, {7, 1}));
  ExpectBothPictures(
      OpenArrayFiles(Pair(dir.Write("i.npy", images), dir.Write("l.npy.gz", Gzip(labels))), OnBadSample::kFail));
  const std::string npz = dir.Write("both.npz", ZipOf({{"x_train.npy", images}, {"y_train.npy", labels}}));
  ExpectBothPictures(
      OpenArrayFiles({{"image", npz, "x_train", {}}, {"label", npz, "y_train", Classes{}}}, OnBadSample::kFail));
  EXPECT_THAT(OpenArrayFiles({{"image", npz, "x_test", {}}}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'x_test', got 'x_train', 'y_train'")));
}

// Nothing says that a sample is a picture or a label a class.
TEST(ArrayFilesTest, ValuesAreWhateverTheyAre) {
  const TempDir dir;
  const std::string x = dir.Write("x.npy", FormatNpy(Tensor::Of<double>({2, 1}, {0.5, 1})));
  const std::string y = dir.Write("y.npy", FormatNpy(Tensor::Of<int32_t>({2}, {-5, 1000})));
  ASSERT_OK_AND_ASSIGN(const SourcePtr source,
                       OpenArrayFiles({{"signal", x, "", {}}, {"target", y, "", {}}}, OnBadSample::kFail));
  EXPECT_EQ(Describe(source->schema()), "signal float64 [1], target int32 []");
}

TEST(ArrayFilesTest, ErrorsNameTheFile) {
  const TempDir dir;
  const std::string images = dir.Write("images", kImages);
  const std::string labels = dir.Write("labels", kLabels);
  const auto expect = [](const std::vector<ArrayFile>& files, const std::string& name, const std::string& message) {
    EXPECT_THAT(OpenArrayFiles(files, OnBadSample::kFail),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(name), HasSubstr(message))));
  };
  expect(Pair(dir.Write("cut", kImages.substr(0, 20)), labels), "/cut'", "expected 12 bytes of data");
  expect(Pair(images, dir.Write("text", "hello")), "/text'", "expected an IDX, .npy or .npz file");
  expect(Pair(images, images), "/images'", "one integer a sample, got uint8 [2, 2, 3]");
  expect(Pair(images, dir.Write("three", std::string("\0\0\x08\x01\0\0\0\3\7\1\2", 11))), "/three'",
         "'label': expected 2 samples as field 'image' has, got 3");
  expect({{"image", images, "", {}}, {"label", labels, "", Classes{5, {}}}}, "/labels'",
         "sample 0: expected a class of 0 to 4, got 7");
  expect(Pair(dir.Write("none", std::string("\0\0\x08\x01\0\0\0\0", 8)), labels), "/none'", "at least one sample");
  EXPECT_THAT(OpenArrayFiles(Pair(dir / "absent", labels), OnBadSample::kFail),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/absent'")));
}

TEST(ArrayFilesTest, ABadLabelCanBeSkipped) {
  const TempDir dir;
  const std::vector<ArrayFile> files = {{"image", dir.Write("i", kImages), "", {}},
                                        {"label", dir.Write("l", kLabels), "", Classes{5, {}}}};
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenArrayFiles(files, OnBadSample::kSkip));
  EXPECT_EQ(source->size(), 1);
  EXPECT_EQ(source->skipped().count, 1);
}

// How often each digit occurs is known of MNIST's training set.
TEST(ArrayFilesTest, ReadsMnist) {
  const std::string images = RealData("datasets/mnist/train-images-idx3-ubyte.gz");
  if (!IsRegularFile(images)) GTEST_SKIP() << images << " is not there (BEAK_DATA)";
  ASSERT_OK_AND_ASSIGN(
      const SourcePtr source,
      OpenArrayFiles(Pair(images, RealData("datasets/mnist/train-labels-idx1-ubyte.gz")), OnBadSample::kFail));
  EXPECT_EQ(source->size(), 60'000);
  EXPECT_EQ(Describe(source->schema()), "image uint8 [28, 28], label int64 [] of 10 classes");
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> labels, ReadScalars(*source, "label"));
  EXPECT_THAT(std::vector(labels.begin(), labels.begin() + 5), ElementsAre(5, 0, 4, 1, 9));
  std::map<int64_t, int> counts;
  for (const int64_t label : labels) ++counts[label];
  std::vector<int> expected = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(counts[static_cast<int64_t>(i)], expected[i]) << i;
}

}  // namespace
}  // namespace beak::data
