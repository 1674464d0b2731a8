#include "engine/data/schema.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::HasSubstr;

const Schema kSchema = {{{"image", DType::kUint8, {Dim(), Dim(), 3}}, {"label", DType::kInt64, {}, 10, {}}}};

TEST(SchemaTest, FindsFieldsByName) {
  EXPECT_THAT(FindField(kSchema, "label"), IsOkAndHolds(1u));
  EXPECT_THAT(FindField(kSchema, "mask"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a field 'mask', got 'image', 'label'")));
}

TEST(SchemaTest, IsDescribed) { EXPECT_EQ(Describe(kSchema), "image uint8 [?, ?, 3], label int64 [] of 10 classes"); }

TEST(SchemaTest, ATensorFitsWhereWhatIsKnownAgrees) {
  const Field& image = kSchema.fields[0];
  EXPECT_OK(CheckFits(image, Tensor::Of<uint8_t>({1, 2, 3}, {1, 2, 3, 4, 5, 6})));
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'image': expected uint8 [?, ?, 3], got"));
  EXPECT_THAT(CheckFits(image, Tensor::Of<uint8_t>({1, 1, 1}, {1})), refused);
  EXPECT_THAT(CheckFits(image, Tensor::Of<uint8_t>({3}, {1, 2, 3})), refused);
  EXPECT_THAT(CheckFits(image, Tensor::Of<int8_t>({1, 1, 3}, {1, 2, 3})), refused);
}

}  // namespace
}  // namespace beak::data
