#include "engine/data/planes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// [[1, 2, 3], [4, 5, 6]] and ten times that.
const Tensor kPlanes = Tensor::Of<float>({2, 2, 3}, {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60});

Tensor Copy(const Tensor& tensor) { return Tensor::Of<float>(tensor.shape(), testing::ValuesOf<float>(tensor)); }

std::vector<float> Values(const absl::StatusOr<Tensor>& tensor) {
  EXPECT_OK(tensor);
  return tensor.ok() ? testing::ValuesOf<float>(*tensor) : std::vector<float>();
}

TEST(PlanesTest, CropsWithin) {
  ASSERT_OK_AND_ASSIGN(const Tensor part, Crop(kPlanes, {1, 1, 1, 2}));
  EXPECT_THAT(part.shape(), ElementsAre(2, 1, 2));
  EXPECT_THAT(testing::ValuesOf<float>(part), ElementsAre(5, 6, 50, 60));
}

TEST(PlanesTest, CropsOverTheEdgesWithZeros) {
  EXPECT_THAT(Values(Crop(kPlanes, {-1, -1, 4, 3})),
              ElementsAre(0, 0, 0, 0, 1, 2, 0, 4, 5, 0, 0, 0, 0, 0, 0, 0, 10, 20, 0, 40, 50, 0, 0, 0));
  EXPECT_THAT(Values(Crop(kPlanes, {1, 2, 2, 2})), ElementsAre(6, 0, 0, 0, 60, 0, 0, 0));
  EXPECT_THAT(Values(Crop(kPlanes, {5, 7, 1, 1})), ElementsAre(0, 0));
  EXPECT_THAT(Values(Crop(kPlanes, {-9, -9, 1, 1})), ElementsAre(0, 0));
}

TEST(PlanesTest, Flips) {
  Tensor planes = Copy(kPlanes);
  FlipHorizontally(planes);
  EXPECT_THAT(testing::ValuesOf<float>(planes), ElementsAre(3, 2, 1, 6, 5, 4, 30, 20, 10, 60, 50, 40));
  planes = Copy(kPlanes);
  FlipVertically(planes);
  EXPECT_THAT(testing::ValuesOf<float>(planes), ElementsAre(4, 5, 6, 1, 2, 3, 40, 50, 60, 10, 20, 30));
}

// 1e-4: the sine of 90 degrees' cosine is not quite 0, times values up to 9.
TEST(PlanesTest, AQuarterTurnIsCounterClockwise) {
  const Tensor square = Tensor::Of<float>({1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const std::vector<float> turned = {3, 6, 9, 2, 5, 8, 1, 4, 7};
  for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kNearest}) {
    EXPECT_THAT(Values(Rotate(square, 90, interpolation)), Pointwise(FloatNear(1e-4f), turned));
    EXPECT_EQ(Values(Rotate(square, 0, interpolation)), testing::ValuesOf<float>(square));
  }
}

// Turned by 45 degrees, the corners of a 3 x 3 square come from (1, 1 - sqrt 2) and the like, 1.414 from the middle:
// with weights 0.586 from the edge's middle at 1 and 0.414 from outside. The edges' middles come from (1 -+ 0.707, 1 -+
// 0.707).
TEST(PlanesTest, HalfAQuarterTurnMixesNeighbours) {
  const Tensor square = Tensor::Of<float>({1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const std::vector<float> turned = Values(Rotate(square, 45, Interpolation::kBilinear));
  constexpr float kNear = 0.58578644f;  // 2 - sqrt 2
  constexpr float kFar = 0.70710678f;
  constexpr float kRest = 1 - kFar;
  // Up left comes from the top's middle, up right from the right's.
  EXPECT_NEAR(turned[0], kNear * 2, 1e-5);
  EXPECT_NEAR(turned[2], kNear * 6, 1e-5);
  EXPECT_NEAR(turned[4], 5, 1e-5);
  // The top's middle comes from near the corner up right: 3, its neighbours 2 and 6, the middle 5.
  EXPECT_NEAR(turned[1], kFar * kFar * 3 + kFar * kRest * (2 + 6) + kRest * kRest * 5, 1e-5);
}

TEST(PlanesTest, NearestMakesNoNewValues) {
  const Tensor mask = Tensor::Of<float>({1, 3, 3}, {7, 7, 7, 1, 1, 1, 3, 3, 3});
  for (const float value : Values(Rotate(mask, 30, Interpolation::kNearest))) {
    EXPECT_TRUE(value == 7 || value == 1 || value == 3 || value == 0) << value;
  }
}

TEST(PlanesTest, FillsWhatLiesWithin) {
  Tensor planes = Copy(kPlanes);
  const std::vector<float> values = {-1, -2};
  Fill(planes, {-1, 1, 2, 9}, values);
  EXPECT_THAT(testing::ValuesOf<float>(planes), ElementsAre(1, -1, -1, 4, 5, 6, 10, -2, -2, 40, 50, 60));
  Fill(planes, {1, 0, 1, 1}, {});
  EXPECT_THAT(testing::ValuesOf<float>(planes), ElementsAre(1, -1, -1, 0, 5, 6, 10, -2, -2, 0, 50, 60));
}

TEST(PlanesTest, AreFloatsOfOneSize) {
  EXPECT_OK(CheckPlanes({"image", DType::kFloat32, {3, 2, 2}}));
  for (const Field& field :
       {Field{"image", DType::kUint8, {3, 2, 2}}, Field{"image", DType::kFloat32, {3, 2}},
        Field{"image", DType::kFloat32, {3, Dim(), 2}}, Field{"image", DType::kFloat32, {3, 0, 2}}}) {
    EXPECT_THAT(CheckPlanes(field),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'image': expected float32 planes")));
  }
}

}  // namespace
}  // namespace beak::data
