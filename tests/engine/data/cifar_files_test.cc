#include "engine/data/cifar_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/file.h"
#include "engine/data/classes.h"
#include "tests/engine/data/sources.h"
#include "tests/engine/io/compressed.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::data {
namespace {

using ::beak::testing::Gzip;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::RealData;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Record(char label) { return label + std::string(3072, static_cast<char>(10 * label)); }

TEST(CifarFilesTest, FilesFollowEachOther) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const SourcePtr source,
                       OpenCifar10({dir.Write("a", Record(3) + Record(9)), dir.Write("b.gz", Gzip(Record(0)))}));
  EXPECT_EQ(Describe(source->schema()), "image uint8 [32, 32, 3], label int64 [] of 10 classes");
  EXPECT_EQ(source->schema().fields[1].class_names[9], "truck");
  EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(3, 9, 0)));
  ASSERT_OK_AND_ASSIGN(const Tensor image, source->ReadField(1, 0));
  EXPECT_EQ(testing::ValuesOf<uint8_t>(image), std::vector<uint8_t>(3072, 90));
}

TEST(CifarFilesTest, ErrorsNameTheFile) {
  const TempDir dir;
  const std::string good = dir.Write("good", Record(1));
  EXPECT_THAT(OpenCifar10({good, dir.Write("cut", Record(1).substr(0, 99))}),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("/cut'"), HasSubstr("records of 3073"))));
  EXPECT_THAT(OpenCifar10({good, dir.Write("label", Record(1) + Record(10))}),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("/label'"), HasSubstr("record 1"))));
  EXPECT_THAT(OpenCifar10({}), StatusIs(absl::StatusCode::kInvalidArgument));
}

// The first labels of the batch: a frog, two trucks, a deer, an automobile.
TEST(CifarFilesTest, ReadsTheRealBatch) {
  const std::string path = RealData("datasets/cifar10/data_batch_1.bin.xz");
  if (!IsRegularFile(path)) GTEST_SKIP() << path << " is not there (BEAK_DATA)";
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenCifar10({path}));
  EXPECT_EQ(source->size(), 10'000);
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> labels, ReadScalars(*source, "label"));
  EXPECT_THAT(std::vector(labels.begin(), labels.begin() + 5), ElementsAre(6, 9, 9, 4, 1));
  // The frog's first pixels, as every CIFAR-10 reader shows them.
  ASSERT_OK_AND_ASSIGN(const Tensor frog, source->ReadField(0, 0));
  EXPECT_THAT(frog.values<uint8_t>().first(6), ElementsAre(59, 62, 63, 43, 46, 45));
}

}  // namespace
}  // namespace beak::data
