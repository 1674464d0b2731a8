#include "server/models/golden.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/npy.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;

std::string Floats(const Shape& shape, const std::vector<float>& values) {
  return FormatNpy(Tensor::Of<float>(shape, values));
}

// y = 2 x, and a version's folder.
class GoldenTest : public ::testing::Test {
 protected:
  absl::Status Check() { return CheckGoldenSamples(dir_.path(), *network_); }

  const testing::TempDir dir_;
  const std::shared_ptr<Model> network_ = *Model::Load(dir_.Write("model.onnx", testing::ScaleNetwork(2)));
};

TEST_F(GoldenTest, NothingToProveIsFine) {
  EXPECT_OK(Check());
  EXPECT_OK(CheckGoldenSamples("", *network_));
  dir_.Write("golden/README", "no case");
  EXPECT_OK(Check());
}

TEST_F(GoldenTest, AnswersWithinTheToleranceAreGood) {
  dir_.Write("golden/one/x.npy", Floats({1, 2}, {1, 10}));
  dir_.Write("golden/one/y.npy", Floats({1, 2}, {2, 20.01f}));
  dir_.Write("golden/three/x.npy", Floats({3, 2}, {1, 2, 3, 4, 5, 6}));
  dir_.Write("golden/three/y.npy", Floats({3, 2}, {2, 4, 6, 8, 10, 12}));
  EXPECT_OK(Check());
}

TEST_F(GoldenTest, ItEndsWhenAskedTo) {
  dir_.Write("golden/one/x.npy", Floats({1, 2}, {1, 10}));
  dir_.Write("golden/one/y.npy", Floats({1, 2}, {2, 20}));
  CancelToken stop;
  EXPECT_OK(CheckGoldenSamples(dir_.path(), *network_, &stop));
  stop.Cancel();
  EXPECT_THAT(CheckGoldenSamples(dir_.path(), *network_, &stop), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(GoldenTest, OthersNameCaseOutputAndElement) {
  dir_.Write("golden/one/x.npy", Floats({1, 2}, {1, 10}));
  dir_.Write("golden/one/y.npy", Floats({1, 2}, {2, 20}));
  dir_.Write("golden/two/x.npy", Floats({1, 2}, {1, 10}));
  dir_.Write("golden/two/y.npy", Floats({1, 2}, {2, 21}));
  EXPECT_THAT(Check(),
              StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("golden sample 'two': output 'y'"),
                                                                    HasSubstr("expected 21 at element 1, got 20"))));
}

TEST_F(GoldenTest, AnotherShapeIsAnotherAnswer) {
  dir_.Write("golden/one/x.npy", Floats({1, 2}, {1, 10}));
  dir_.Write("golden/one/y.npy", Floats({2}, {2, 20}));
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("[2]")));
}

TEST_F(GoldenTest, SamplesThatDoNotFitTheNetworkAreErrors) {
  const std::string x = Floats({1, 2}, {1, 10});
  dir_.Write("golden/a/x.npy", x);
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one output")));
  dir_.Write("golden/a/y.npy", x);
  dir_.Write("golden/a/z.npy", x);
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'z.npy'")));
  std::filesystem::remove(dir_ / "golden/a/z.npy");
  dir_.Write("golden/a/x.npy", Floats({1, 3}, {1, 2, 3}));
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("input 'x'")));
  dir_.Write("golden/a/x.npy", FormatNpy(Tensor::Of<int32_t>({1, 2}, {1, 10})));
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("int32")));
  dir_.Write("golden/a/x.npy", "no array");
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("golden/a/x.npy")));
  std::filesystem::remove(dir_ / "golden/a/x.npy");
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("x.npy")));
}

}  // namespace
}  // namespace beak
