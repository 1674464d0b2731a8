#include "client/cli/preprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak::cli {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImageInput Input(std::vector<int64_t> shape, int max_batch_size = 8, const std::string& datatype = "FP32") {
  return {{"data", datatype, std::move(shape)}, max_batch_size, ""};
}

void ExpectRefused(const ImageInput& input, const ImageParameters& parameters, const std::string& why) {
  EXPECT_THAT(PlanImages(input, parameters), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
}

TEST(PlanImagesTest, AColourNetworkNeedsNoParameters) {
  ASSERT_OK_AND_ASSIGN(const ImagePlan plan, PlanImages(Input({-1, 3, 224, 225}), {}));
  EXPECT_EQ(plan.fit.height, 224);
  EXPECT_EQ(plan.fit.width, 225);
  EXPECT_EQ(plan.fit.channels, ChannelOrder::kRgb);
  EXPECT_EQ(plan.fit.layout, ImageLayout::kNchw);
  EXPECT_EQ(plan.fit.resize, ResizeMode::kFit);
  EXPECT_EQ(plan.fit.dtype, DType::kFloat32);
  EXPECT_FALSE(plan.fit.invert);
  EXPECT_TRUE(plan.fit.mean.empty());
  EXPECT_THAT(plan.item_shape, ElementsAre(3, 224, 225));
  EXPECT_TRUE(plan.has_batch);
  EXPECT_EQ(plan.max_rows, 8);
}

TEST(PlanImagesTest, AllParametersCount) {
  ASSERT_OK_AND_ASSIGN(const ImagePlan plan,
                       PlanImages(Input({-1, 3, -1, -1}, 8, "FP16"), {{"image_mean", "104, 117,123"},
                                                                      {"image_scale", "0.017"},
                                                                      {"image_channels", "BGR"},
                                                                      {"image_layout", "NCHW"},
                                                                      {"image_size", "24x32"},
                                                                      {"image_invert", "true"},
                                                                      {"image_resize", "crop"}}));
  EXPECT_THAT(plan.fit.mean, ElementsAre(104, 117, 123));
  EXPECT_THAT(plan.fit.factor, ElementsAre(0.017f));
  EXPECT_EQ(plan.fit.channels, ChannelOrder::kBgr);
  EXPECT_EQ(plan.fit.height, 24);
  EXPECT_EQ(plan.fit.width, 32);
  EXPECT_TRUE(plan.fit.invert);
  EXPECT_EQ(plan.fit.resize, ResizeMode::kCrop);
  EXPECT_EQ(plan.fit.dtype, DType::kFloat16);
}

TEST(PlanImagesTest, TheLayoutIsDeclaredOrGuessed) {
  EXPECT_EQ(PlanImages(Input({-1, 32, 24, 3}), {})->fit.layout, ImageLayout::kNhwc);
  EXPECT_THAT(PlanImages(Input({-1, 32, 24, 3}), {})->item_shape, ElementsAre(32, 24, 3));
  EXPECT_EQ(PlanImages(Input({-1, 3, 24, 3}), {})->fit.layout, ImageLayout::kNchw);
  ImageInput input = Input({-1, 3, 24, 3});
  input.layout = "NHWC";
  EXPECT_EQ(PlanImages(input, {})->fit.layout, ImageLayout::kNhwc);
  EXPECT_EQ(PlanImages(input, {{"image_layout", "nchw"}})->fit.layout, ImageLayout::kNchw);
}

TEST(PlanImagesTest, OneChannelIsGray) {
  EXPECT_EQ(PlanImages(Input({-1, 1, 28, 28}), {})->fit.channels, ChannelOrder::kGray);
  ASSERT_OK_AND_ASSIGN(const ImagePlan plan, PlanImages(Input({-1, 28, 28}), {}));
  EXPECT_EQ(plan.fit.channels, ChannelOrder::kGray);
  EXPECT_THAT(plan.item_shape, ElementsAre(28, 28));
  EXPECT_EQ(PlanImages(Input({-1, -1, 28, 28}), {{"image_channels", "GRAY"}})->fit.channels, ChannelOrder::kGray);
}

TEST(PlanImagesTest, AFlatInputNeedsTheSize) {
  ASSERT_OK_AND_ASSIGN(const ImagePlan plan, PlanImages(Input({-1, 784}), {{"image_size", "28x28"}}));
  EXPECT_EQ(plan.fit.channels, ChannelOrder::kGray);
  EXPECT_THAT(plan.item_shape, ElementsAre(784));
  EXPECT_EQ(PlanImages(Input({-1, 2352}), {{"image_size", "28x28"}})->fit.channels, ChannelOrder::kRgb);
  ExpectRefused(Input({-1, 784}), {}, "image_size");
  ExpectRefused(Input({-1, 784}), {{"image_size", "30x30"}}, "expected 784 values");
}

TEST(PlanImagesTest, WithoutBatchingTheShapeIsWhole) {
  ASSERT_OK_AND_ASSIGN(const ImagePlan one, PlanImages(Input({1, 3, 8, 8}, 0), {}));
  EXPECT_TRUE(one.has_batch);
  EXPECT_TRUE(one.exact_rows);
  EXPECT_EQ(one.max_rows, 1);
  ASSERT_OK_AND_ASSIGN(const ImagePlan bare, PlanImages(Input({3, 8, 8}, 0), {}));
  EXPECT_FALSE(bare.has_batch);
  EXPECT_EQ(bare.max_rows, 1);
  ASSERT_OK_AND_ASSIGN(const ImagePlan free, PlanImages(Input({-1, 3, 8, 8}, 0), {}));
  EXPECT_FALSE(free.exact_rows);
  EXPECT_GT(free.max_rows, 1000);
}

TEST(PlanImagesTest, SaysWhatIsMissingOrWrong) {
  ExpectRefused(Input({-1, 3, -1, -1}), {}, "input 'data': expected the parameter image_size");
  ExpectRefused(Input({-1, 3, 8, 8}), {{"image_size", "9x8"}}, "height: expected 8 as the input has it, got 9");
  ExpectRefused(Input({-1, 3, 8, 8}), {{"image_channels", "GRAY"}}, "channels: expected 3");
  ExpectRefused(Input({-1, 5, 8, 8}), {}, "expected 1 or 3 channels, got 5");
  ExpectRefused(Input({-1, 3, 8, 8}, 8, "BYTES"), {}, "got BYTES");
  ExpectRefused(Input({-1, 3, 8, 8}, 8, "BOOL"), {}, "got BOOL");
  ExpectRefused(Input({-1, 2, 3, 8, 8}), {}, "1 to 3 dimensions");
  ExpectRefused(Input({}, 0), {}, "1 to 3 dimensions");
  ExpectRefused(Input({-1, 3, 0, 8}), {}, "got 0 x 8");
  ExpectRefused(Input({-1, 3, 8, int64_t{1} << 40}), {}, "expected a shape for a picture");
}

TEST(PlanImagesTest, ParametersThatMakeNoSenseAreNamed) {
  const ImageInput input = Input({-1, 3, 8, 8});
  ExpectRefused(input, {{"image_mean", "1,x"}}, "parameter image_mean: expected numbers and commas, got '1,x'");
  ExpectRefused(input, {{"image_scale", "1,,2"}}, "image_scale");
  ExpectRefused(input, {{"image_channels", "HSV"}}, "expected RGB or BGR or GRAY, got 'HSV'");
  ExpectRefused(input, {{"image_layout", "NWHC"}}, "expected NCHW or NHWC");
  ExpectRefused(input, {{"image_invert", "maybe"}}, "expected false or true");
  ExpectRefused(input, {{"image_resize", "zoom"}}, "expected fit or stretch or crop");
  for (const char* size : {"8", "8x", "x8", "8x8x8", "-8x8", "0x8", "8 x", "99999999999x1"}) {
    ExpectRefused(input, {{"image_size", size}}, "expected HEIGHTxWIDTH");
  }
}

TEST(IsImageParameterTest, KnowsTheAgreedNames) {
  for (const char* name :
       {"image_mean", "image_scale", "image_channels", "image_layout", "image_size", "image_invert", "image_resize"}) {
    EXPECT_TRUE(IsImageParameter(name)) << name;
  }
  EXPECT_FALSE(IsImageParameter("mean"));
}

TEST(SplitIntoRequestsTest, FillsBatches) {
  ImagePlan plan;
  plan.max_rows = 4;
  EXPECT_THAT(SplitIntoRequests(plan, 10), IsOkAndHolds(ElementsAre(4, 4, 2)));
  EXPECT_THAT(SplitIntoRequests(plan, 3), IsOkAndHolds(ElementsAre(3)));
  plan.exact_rows = true;
  EXPECT_THAT(SplitIntoRequests(plan, 8), IsOkAndHolds(ElementsAre(4, 4)));
  EXPECT_THAT(SplitIntoRequests(plan, 3),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batches of 4, got 3")));
  plan.max_rows = 0;
  EXPECT_THAT(SplitIntoRequests(plan, 3), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace beak::cli
