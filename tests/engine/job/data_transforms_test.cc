#include "engine/job/data_transforms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/engine/data/sources.h"
#include "tests/engine/job/data_sets.h"

namespace beak {
namespace {

using ::beak::testing::DataSetOf;
using ::beak::testing::OpenText;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::beak::testing::ValuesOf;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

// One picture of 4 x 6 bytes, all different, and a mask of the same size: its bytes are 0 or 1.
class DataTransformsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<uint8_t> pixels;
    std::vector<uint8_t> mask;
    for (int i = 0; i < 24; ++i) {
      pixels.push_back(static_cast<uint8_t>(10 * i));
      mask.push_back(i % 2);
    }
    dir_.Write("image.npy", FormatNpy(Tensor::Of<uint8_t>({1, 4, 6}, pixels)));
    dir_.Write("mask.npy", FormatNpy(Tensor::Of<uint8_t>({1, 4, 6}, mask)));
  }

  absl::StatusOr<JobData> Open(const std::string& transforms) {
    return OpenText(
        "training { arrays { field { name: 'image' file: 'image.npy' }"
        "                    field { name: 'mask' file: 'mask.npy' } } }" +
            transforms,
        dir_);
  }

  // The picture of the training data in some epochs.
  std::vector<std::vector<float>> Draw(const std::string& augment, int epochs = 20) {
    const absl::StatusOr<JobData> data = Open("augment { " + augment + " }");
    EXPECT_OK(data);
    std::vector<std::vector<float>> pictures;
    for (int i = 0; data.ok() && i < epochs; ++i) pictures.push_back(ValuesOf(*data->training, 0, 0, i));
    return pictures;
  }

  const TempDir dir_;
};

TEST_F(DataTransformsTest, PicturesBecomePlanesWhereNothingIsSaid) {
  ASSERT_OK_AND_ASSIGN(const JobData data, Open(""));
  EXPECT_EQ(data::Describe(data.plain->schema()), "image float32 [1, 4, 6], mask float32 [1, 4, 6]");
  EXPECT_EQ(ValuesOf(*data.plain, 0)[23], 230);
  EXPECT_EQ(ValuesOf(*data.training, 0), ValuesOf(*data.plain, 0));
}

TEST_F(DataTransformsTest, WhatIsPreparedIsSaidWholeOrNotAtAll) {
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("prepare { convert_to { data_type: INT64 } field: 'mask' }"));
  EXPECT_EQ(data::Describe(data.plain->schema()), "image uint8 [4, 6], mask int64 [4, 6]");
  EXPECT_THAT(ValuesOf(*data.plain, 0, 1), Each(AnyOf(0, 1)));
}

TEST_F(DataTransformsTest, Resizes) {
  for (const char* mode : {"CROP", "PAD", "STRETCH"}) {
    ASSERT_OK_AND_ASSIGN(const JobData data,
                         Open(std::string("prepare { resize { height: 3 width: 3 mode: ") + mode + " } }"));
    EXPECT_EQ(data::Describe(data.plain->schema()), "image float32 [1, 3, 3], mask uint8 [4, 6]");
    // 6 x 4 in 3 x 3: one row is left over for zeros. Elsewhere only the first pixel is as dark.
    const std::vector<float> values = ValuesOf(*data.plain, 0);
    EXPECT_EQ(std::ranges::count(values, 0.0f) >= 3, std::string(mode) == "PAD") << mode;
  }
  ASSERT_OK_AND_ASSIGN(const JobData kept, Open("prepare { resize { height: 2 width: 2 kept: 0.5 } }"));
  EXPECT_THAT(ValuesOf(*kept.plain, 0), ElementsAre(80, 90, 140, 150)) << "the middle 2 x 2";
}

TEST_F(DataTransformsTest, PlanesMayBeStoredAsSuch) {
  dir_.Write("image.npy", FormatNpy(Tensor::Of<uint8_t>({1, 2, 1, 3}, {1, 2, 3, 4, 5, 6})));
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("prepare { to_planes { channels_first: true } }"));
  EXPECT_EQ(data::Describe(data.plain->schema()), "image float32 [2, 1, 3], mask uint8 [4, 6]");
  EXPECT_THAT(ValuesOf(*data.plain, 0), ElementsAre(1, 2, 3, 4, 5, 6));
  ASSERT_OK_AND_ASSIGN(const JobData interleaved, Open("prepare { to_planes {} }"));
  EXPECT_THAT(ValuesOf(*interleaved.plain, 0), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST_F(DataTransformsTest, Crops) {
  for (const std::vector<float>& picture : Draw("random_crop { padding: 1 }")) EXPECT_THAT(picture, SizeIs(24));
  const absl::StatusOr<JobData> smaller = Open("augment { random_crop { height: 2 width: 2 padding: 0 } }");
  EXPECT_THAT(smaller, StatusIs(absl::StatusCode::kInvalidArgument,
                                HasSubstr("data.augment: expected image float32 [1, 4, 6] as data.prepare gives, got "
                                          "image float32 [1, 2, 2]")));
}

TEST_F(DataTransformsTest, FlipsAPictureAndItsMaskAlike) {
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("augment { random_flip {} field: 'image' field: 'mask' }"));
  std::set<float> corners;
  for (int epoch = 0; epoch < 20; ++epoch) {
    const float corner = ValuesOf(*data.training, 0, 0, epoch)[0];
    corners.insert(corner);
    EXPECT_EQ(ValuesOf(*data.training, 0, 1, epoch)[0], corner == 0 ? 0 : 1);
  }
  EXPECT_THAT(corners, ElementsAre(0, 50));
  for (const std::vector<float>& picture : Draw("random_flip { horizontal: 0 vertical: 1 }")) {
    EXPECT_EQ(picture[0], 180);
  }
}

TEST_F(DataTransformsTest, RotationNeverMixesAMask) {
  ASSERT_OK_AND_ASSIGN(const JobData data,
                       Open("augment { random_rotation { degrees: 45 } field: 'image' field: 'mask' }"));
  bool turned = false;
  for (int epoch = 0; epoch < 20; ++epoch) {
    EXPECT_THAT(ValuesOf(*data.training, 0, 1, epoch), Each(AnyOf(0, 1)));
    for (const float value : ValuesOf(*data.training, 0, 0, epoch))
      turned = turned || value != 10 * std::round(value / 10);
  }
  EXPECT_TRUE(turned) << "a picture is";
}

TEST_F(DataTransformsTest, JittersColours) {
  std::set<std::vector<float>> seen;
  for (const std::vector<float>& picture :
       Draw("color_jitter { brightness: 0.5 contrast: 0.5 saturation: 0.5 hue: 0.1 }")) {
    EXPECT_THAT(picture, Each(AllOf(Ge(0), Le(255))));
    seen.insert(picture);
  }
  EXPECT_GT(seen.size(), 15u);
}

TEST_F(DataTransformsTest, ErasesAndCutsOut) {
  int erased = 0;
  for (const auto& picture : Draw("random_erasing { probability: 1 min_area: 0.2 max_area: 0.3 fill: 1000 }")) {
    erased += static_cast<int>(std::ranges::count(picture, 1000.0f));
  }
  EXPECT_GT(erased, 20 * 3);
  for (const std::vector<float>& picture : Draw("cutout { size: 2 fill: -7 }")) {
    EXPECT_THAT(std::ranges::count(picture, -7.0f), AllOf(Ge(1), Le(4)));
  }
}

// Training wants the picture as it is stored; whoever measures wants it resized.
TEST_F(DataTransformsTest, AugmentationMayTakeThePlaceOfAResize) {
  ASSERT_OK_AND_ASSIGN(const JobData data,
                       Open("prepare { resize { height: 2 width: 2 } }"
                            "augment { random_resized_crop { height: 2 width: 2 } } augment { random_flip {} }"));
  EXPECT_EQ(data::Describe(data.training->schema()), "image float32 [1, 2, 2], mask uint8 [4, 6]");
  std::set<std::vector<float>> seen;
  for (int epoch = 0; epoch < 10; ++epoch) seen.insert(ValuesOf(*data.training, 0, 0, epoch));
  EXPECT_GT(seen.size(), 5u);
  EXPECT_EQ(ValuesOf(*data.plain, 0, 0, 0), ValuesOf(*data.plain, 0, 0, 1));

  ASSERT_OK_AND_ASSIGN(const JobData stored, Open("augment { to_planes {} } augment { random_crop {} }"));
  EXPECT_EQ(data::Describe(stored.training->schema()), "image float32 [1, 4, 6], mask float32 [1, 4, 6]");
}

TEST_F(DataTransformsTest, WhatDoesNotFitSaysWhereItIs) {
  EXPECT_THAT(Open("prepare { to_planes {} } prepare { resize { height: 2 width: 2 } }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("data.prepare[1].resize: field 'image': expected a picture, uint8")));
  EXPECT_THAT(Open("augment { random_flip {} } augment { random_erasing { fill: 1 fill: 2 } }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("data.augment[1].random_erasing: random erasing: expected a value to fill with")));
}

TEST(DefaultTransformsTest, NumbersBecomeFloatsAndIndicesInt64) {
  data::Schema schema;
  schema.fields = {{"words", DType::kUint8, {5}},      {"board", DType::kUint8, {19, 19}},
                   {"x", DType::kFloat32, {3}},        {"mean", DType::kFloat64, {}},
                   {"label", DType::kInt64, {}, 4},    {"more", DType::kInt64, {}},
                   {"picture", DType::kUint8, {4, 4}}, {"deep", DType::kUint8, {1, 2, 3, 4}}};
  const DataTransforms transforms = MakeTransforms({}, schema, {"words", "board", "label"});
  data::Schema out = schema;
  for (const data::Transform& transform : transforms.prepare) {
    ASSERT_OK_AND_ASSIGN(const data::Stage stage, transform(out));
    out = stage.schema;
  }
  EXPECT_EQ(data::Describe(out),
            "words int64 [5], board int64 [19, 19], x float32 [3], mean float32 [], label int64 [] of 4 classes, "
            "more float32 [], picture float32 [1, 4, 4], deep float32 [1, 2, 3, 4]");
}

}  // namespace
}  // namespace beak
