#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tests/engine/job/data_sets.h"

namespace beak {
namespace {

using ::beak::testing::DataSetOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

const std::string kTraining = "training { cifar10 { file: 'a.bin' } } ";

std::vector<std::string> Check(const std::string& text) { return CheckDataSet(DataSetOf(text)); }

// What is wrong with a description of one transform's kind in `augment`.
std::vector<std::string> CheckAugment(const std::string& kind) { return Check(kTraining + "augment { " + kind + " }"); }

TEST(CheckDataSetTest, AcceptsEveryKindOfSource) {
  EXPECT_THAT(Check(kTraining), IsEmpty());
  EXPECT_THAT(Check("training { arrays { field { name: 'x' file: 'x.npz' array: 'x' }"
                    "                    field { name: 'y' file: 'x.npz' classes { count: 2 name: 'a' name: 'b' } } } }"
                    "hold_out { fraction: 0.1 seed: 3 stratified: false } on_bad_sample: SKIP"),
              IsEmpty());
  EXPECT_THAT(Check("training { image_folder { path: 'x' channels: 1 class_name: 'a' } }"
                    "held_out { image_folder { path: 'y' } }"),
              IsEmpty());
  EXPECT_THAT(Check("training { csv { file: 't' separator: ';' field { name: 'x' }"
                    "                 field { name: 'y' column: 'kind' classes {} } } }"),
              IsEmpty());
}

TEST(CheckDataSetTest, AcceptsEveryTransformAsItIs) {
  EXPECT_THAT(Check(kTraining + "prepare { resize { height: 32 width: 32 } } prepare { convert_to {} field: 'label' }"
                                "augment { to_planes {} }"
                                "augment { random_resized_crop { height: 32 width: 32 } }"
                                "augment { random_crop {} } augment { random_flip {} } augment { random_rotation {} }"
                                "augment { color_jitter {} } augment { random_erasing {} } augment { cutout {} }"),
              IsEmpty());
}

TEST(CheckDataSetTest, ASourceIsNeeded) {
  EXPECT_THAT(Check(""), ElementsAre("data.training: expected arrays, cifar10, image_folder or csv, got none"));
  EXPECT_THAT(Check(kTraining + "held_out {}"),
              ElementsAre("data.held_out: expected arrays, cifar10, image_folder or csv, got none"));
}

TEST(CheckDataSetTest, SourcesSayAllThatIsWrong) {
  EXPECT_THAT(
      Check("training { arrays { field { name: 'x' file: 'x' } field { name: 'x' }"
            "                    field { file: 'y' classes { count: 3 name: 'a' name: 'a' } } } }"),
      UnorderedElementsAre("data.training.arrays.field[1].name: expected each name once, got 'x' again",
                           "data.training.arrays.field[1].file: expected a text, got none",
                           "data.training.arrays.field[2].name: expected a text, got none",
                           "data.training.arrays.field[2].classes.name: expected 3 names, one a class, got 2",
                           "data.training.arrays.field[2].classes.name[1]: expected each name once, got 'a' again"));
  EXPECT_THAT(Check("training { arrays {} } held_out { cifar10 {} }"),
              UnorderedElementsAre("data.training.arrays.field: expected 1 to 256, got 0",
                                   "data.held_out.cifar10.file: expected 1 to 10000, got 0"));
  EXPECT_THAT(Check("training { image_folder { channels: 4 class_name: 'a' class_name: 'a' } }"),
              UnorderedElementsAre("data.training.image_folder.path: expected a text, got none",
                                   "data.training.image_folder.channels: expected 1 or 3, got 4",
                                   "data.training.image_folder.class_name[1]: expected each name once, got 'a' again"));
  EXPECT_THAT(Check("training { csv { field { name: 'y' column: 'a' column: 'b' classes { count: -1 } }"
                    "                 separator: '::' } }"),
              UnorderedElementsAre(
                  "data.training.csv.file: expected a text, got none",
                  "data.training.csv.field[0].column: expected one, for it is a field of classes, got 2",
                  "data.training.csv.field[0].classes.count: expected 0 to 1000000, got -1",
                  HasSubstr("data.training.csv.separator: expected one character, no quote and no end of a line")));
  EXPECT_THAT(Check("training { csv { file: 't' field { name: 'y' } separator: '\"' } }"),
              ElementsAre(StartsWith("data.training.csv.separator")));
}

TEST(CheckDataSetTest, NamesHaveALimit) {
  EXPECT_THAT(Check(absl::StrCat("training { cifar10 { file: '", std::string(5000, 'x'), "' } }")),
              ElementsAre("data.training.cifar10.file[0]: expected at most 4096 bytes, got 5000"));
}

// However long a description is, its errors are not much longer.
TEST(CheckDataSetTest, EverythingHasALimit) {
  constexpr int kMany = 20'000;
  v1::DataSet data;
  for (int i = 0; i < kMany; ++i) {
    v1::Arrays::Field& field = *data.mutable_training()->mutable_arrays()->add_field();
    field.set_name(absl::StrCat("f", i));
    field.set_file("x");
    data.mutable_held_out()->mutable_cifar10()->add_file(std::string("x"));
    data.add_prepare()->mutable_to_planes();
    data.add_augment()->mutable_cutout();
  }
  EXPECT_THAT(CheckDataSet(data), UnorderedElementsAre("data.training.arrays.field: expected 1 to 256, got 20000",
                                                       "data.held_out.cifar10.file: expected 1 to 10000, got 20000",
                                                       "data.prepare: expected 0 to 64, got 20000",
                                                       "data.augment: expected 0 to 64, got 20000"));
  data = DataSetOf(kTraining + "augment { random_flip {} }");
  for (int i = 0; i < kMany; ++i) data.mutable_augment(0)->add_field(absl::StrCat("f", i));
  EXPECT_THAT(CheckDataSet(data), ElementsAre("data.augment[0].field: expected 0 to 16, got 20000"));
}

TEST(CheckDataSetTest, OnlyTheFirstFieldsAreNamed) {
  v1::DataSet data;
  for (int i = 0; i < 12; ++i) {
    v1::Csv::Field& field = *data.mutable_training()->mutable_csv()->add_field();
    field.set_name(absl::StrCat(i));
    data.mutable_training()->mutable_csv()->set_file("t");
  }
  data.add_prepare()->mutable_to_planes();
  EXPECT_THAT(CheckDataSet(data),
              ElementsAre("data.prepare[0].field: expected '0' or '1' or '2' or '3' or '4' or '5' or '6' or '7' or '8' "
                          "or '9' ..., got 'image'"));
}

TEST(CheckDataSetTest, HeldOutDataHasTheSameFields) {
  EXPECT_THAT(Check(kTraining + "held_out { arrays { field { name: 'image' file: 'x' } } }"),
              ElementsAre("data.held_out: expected the fields 'image', 'label' as data.training has, got 'image'"));
}

TEST(CheckDataSetTest, AFractionIsWithinZeroAndOne) {
  for (const double fraction : {0.0, 1.0, -0.5, 1.5, static_cast<double>(NAN)}) {
    v1::DataSet data = DataSetOf(kTraining);
    data.mutable_hold_out()->set_fraction(fraction);
    EXPECT_THAT(CheckDataSet(data),
                ElementsAre(StartsWith("data.hold_out.fraction: expected a number above 0 and below 1, got ")));
  }
}

TEST(CheckDataSetTest, TransformsAreOfSomethingAndOfFieldsThatAreThere) {
  EXPECT_THAT(Check(kTraining + "prepare {} prepare { to_planes {} field: 'pic' } augment { field: 'image' }"),
              UnorderedElementsAre("data.prepare[0]: expected something to do, got nothing",
                                   "data.prepare[1].field: expected 'image' or 'label', got 'pic'",
                                   "data.augment[0]: expected something to do, got nothing"));
  EXPECT_THAT(CheckAugment("cutout {} field: 'image' field: 'label'"),
              ElementsAre("data.augment[0].field: expected 0 to 1, got 2"));
  EXPECT_THAT(CheckAugment("random_flip {} field: 'image' field: 'image'"),
              ElementsAre("data.augment[0].field[1]: expected each name once, got 'image' again"));
  EXPECT_THAT(Check("training { csv { file: 't' field { name: 'x' } } } augment { cutout {} }"),
              ElementsAre("data.augment[0].field: expected 'x', got 'image'"));
}

TEST(CheckDataSetTest, NothingIsPreparedByChance) {
  EXPECT_THAT(Check(kTraining + "prepare { random_flip {} }"),
              ElementsAre("data.prepare[0]: expected to_planes, convert_to or resize, nothing with chance in it, got "
                          "random_flip"));
}

TEST(CheckDataSetTest, SizesAreChecked) {
  EXPECT_THAT(Check(kTraining + "prepare { resize { width: 3 kept: 0 } }"),
              UnorderedElementsAre("data.prepare[0].resize.height: expected at least 1, got 0",
                                   "data.prepare[0].resize.kept: expected a number above 0, at most 1, got 0"));
  EXPECT_THAT(
      CheckAugment("random_resized_crop { height: 100000 width: 100000 }"),
      ElementsAre("data.augment[0].random_resized_crop: expected at most 67108864 pixels, got 100000 x 100000"));
  EXPECT_THAT(CheckAugment("random_crop { height: -1 padding: -2 }"),
              UnorderedElementsAre("data.augment[0].random_crop.height: expected at least 0, got -1",
                                   "data.augment[0].random_crop.padding: expected at least 0, got -2"));
  EXPECT_THAT(CheckAugment("cutout { size: 0 fill: inf }"),
              UnorderedElementsAre("data.augment[0].cutout.size: expected at least 1, got 0",
                                   "data.augment[0].cutout.fill: expected finite numbers, got others"));
}

TEST(CheckDataSetTest, NumbersAreChecked) {
  EXPECT_THAT(CheckAugment("random_flip { horizontal: 1.5 vertical: nan }"),
              UnorderedElementsAre("data.augment[0].random_flip.horizontal: expected a number in [0, 1], got 1.5",
                                   "data.augment[0].random_flip.vertical: expected a number in [0, 1], got nan"));
  EXPECT_THAT(CheckAugment("random_rotation { degrees: 181 }"),
              ElementsAre("data.augment[0].random_rotation.degrees: expected a number in [0, 180], got 181"));
  EXPECT_THAT(CheckAugment("color_jitter { brightness: -1 contrast: inf saturation: 2000 hue: 0.6 }"),
              UnorderedElementsAre("data.augment[0].color_jitter.brightness: expected a number in [0, 1000], got -1",
                                   "data.augment[0].color_jitter.contrast: expected a number in [0, 1000], got inf",
                                   "data.augment[0].color_jitter.saturation: expected a number in [0, 1000], got 2000",
                                   "data.augment[0].color_jitter.hue: expected a number in [0, 0.5], got 0.6"));
  EXPECT_THAT(
      CheckAugment("random_erasing { probability: 2 min_area: 0.5 max_ratio: 0.2 fill: nan }"),
      UnorderedElementsAre("data.augment[0].random_erasing.probability: expected a number in [0, 1], got 2",
                           "data.augment[0].random_erasing.max_area: expected a number in [0.5, 1], got 0.33",
                           "data.augment[0].random_erasing.max_ratio: expected a number in [0.3, 1e+06], got 0.2",
                           "data.augment[0].random_erasing.fill: expected finite numbers, got others"));
  EXPECT_THAT(CheckAugment("random_resized_crop { height: 2 width: 2 min_area: -1 min_ratio: 0 }"),
              UnorderedElementsAre(
                  "data.augment[0].random_resized_crop.min_area: expected a number in [0, 1], got -1",
                  "data.augment[0].random_resized_crop.min_ratio: expected a number in [1e-06, 1e+06], got 0"));
}

TEST(CheckDataSetTest, EnumsFromElsewhereAreTold) {
  EXPECT_THAT(Check(kTraining + "on_bad_sample: 7 prepare { resize { height: 1 width: 1 mode: 9 } }"
                                "prepare { convert_to { data_type: -1 } }"),
              UnorderedElementsAre("data.on_bad_sample: expected FAIL or SKIP, got 7",
                                   "data.prepare[0].resize.mode: expected CROP, PAD or STRETCH, got 9",
                                   "data.prepare[1].convert_to.data_type: expected FLOAT32 or INT64, got -1"));
}

TEST(CheckDataSetTest, AllPartsAreInOneAnswer) {
  const std::vector<std::string> lines =
      Check("training {} hold_out { fraction: 2 } prepare {} augment { random_flip { horizontal: -1 } }");
  EXPECT_EQ(lines.size(), 4u);
  for (const char* place :
       {"data.training", "data.hold_out.fraction", "data.prepare[0]", "data.augment[0].random_flip"}) {
    EXPECT_THAT(lines, Contains(StartsWith(place)));
  }
}

}  // namespace
}  // namespace beak
