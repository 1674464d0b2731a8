#include "server/predict/classify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace beak {
namespace {

using ::testing::ElementsAre;

template <typename T>
std::vector<std::string> Top(const std::vector<T>& values, int64_t rows, int64_t classes,
                             const std::vector<std::string>& labels = {}, DType dtype = DTypeOf<T>()) {
  return TopClasses(dtype, std::as_bytes(std::span(values)), rows, classes, labels);
}

TEST(TopClassesTest, LargestFirstRowByRow) {
  EXPECT_THAT(Top<float>({0.1f, 0.7f, 0.2f, 9, 8, 7}, 2, 2), ElementsAre("0.7:1", "0.2:2", "9:0", "8:1"));
}

TEST(TopClassesTest, LabelsFollowWhereThereAreSome) {
  EXPECT_THAT(Top<float>({1, 2, 3, 4}, 1, 4, {"zero", "", "two"}), ElementsAre("4:3", "3:2:two", "2:1", "1:0:zero"));
}

TEST(TopClassesTest, AsManyAsThereAre) { EXPECT_THAT(Top<float>({1, 2}, 1, 5), ElementsAre("2:1", "1:0")); }

TEST(TopClassesTest, EqualsKeepTheirOrder) {
  EXPECT_THAT(Top<float>({5, 5, 5}, 1, 3), ElementsAre("5:0", "5:1", "5:2"));
}

TEST(TopClassesTest, NanComesLast) {
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Top<float>({nan, -infinity, nan, 1, infinity}, 1, 5),
              ElementsAre("inf:4", "1:3", "-inf:1", "nan:0", "nan:2"));
}

TEST(TopClassesTest, ValuesAreWrittenSoThatTheyCanBeReadBack) {
  EXPECT_THAT(Top<float>({0.94042969f}, 1, 1), ElementsAre("0.9404297:0"));
  EXPECT_THAT(Top<float>({1e-30f}, 1, 1), ElementsAre("1e-30:0"));
  EXPECT_THAT(Top<double>({0.1}, 1, 1), ElementsAre("0.1:0"));
}

TEST(TopClassesTest, EveryNumericTypeHasAnOrder) {
  EXPECT_THAT(Top<uint8_t>({1, 255}, 1, 1), ElementsAre("255:1"));
  EXPECT_THAT(Top<int8_t>({1, -1}, 1, 1), ElementsAre("1:0"));
  EXPECT_THAT(Top<int64_t>({1, int64_t{1} << 62}, 1, 1), ElementsAre("4611686018427387904:1"));
  EXPECT_THAT(Top<uint16_t>({FloatToHalf(-2), FloatToHalf(0.5f)}, 1, 2, {}, DType::kFloat16),
              ElementsAre("0.5:1", "-2:0"));
  const bool values[] = {false, true};
  EXPECT_THAT(TopClasses(DType::kBool, std::as_bytes(std::span(values)), 1, 2, {}), ElementsAre("1:1", "0:0"));
}

}  // namespace
}  // namespace beak
