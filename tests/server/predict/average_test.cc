#include "server/predict/average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

template <typename T>
OutputTensor Tensor(DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
  OutputTensor tensor{"p", dtype, std::move(shape), std::string(values.size() * sizeof(T), '\0'), {}};
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

// The mean of tensors of one type and shape.
template <typename T>
std::vector<T> Mean(DType dtype, const std::vector<int64_t>& shape, const std::vector<std::vector<T>>& values,
                    const std::vector<double>& weights) {
  std::vector<OutputTensor> tensors;
  for (const std::vector<T>& one : values) tensors.push_back(Tensor(dtype, shape, one));
  std::vector<const OutputTensor*> pointers;
  for (const OutputTensor& tensor : tensors) pointers.push_back(&tensor);
  OutputTensor mean;
  EXPECT_OK(Average(pointers, weights, &mean));
  EXPECT_EQ(mean.name, "p");
  EXPECT_EQ(mean.dtype, dtype);
  EXPECT_EQ(mean.shape, shape);
  std::vector<T> result(mean.data.size() / sizeof(T));
  if (!result.empty()) std::memcpy(result.data(), mean.data.data(), mean.data.size());
  return result;
}

TEST(AverageTest, WeighsElementByElement) {
  EXPECT_THAT(Mean<float>(DType::kFloat32, {1, 2}, {{1, 2}, {3, 6}}, {0.25, 0.75}), ElementsAre(2.5f, 5.f));
  EXPECT_THAT(Mean<double>(DType::kFloat64, {2}, {{1, 2}, {3, 6}, {5, 10}}, {0.5, 0.25, 0.25}), ElementsAre(2.5, 5.));
  EXPECT_THAT(Mean<uint16_t>(DType::kFloat16, {2},
                             {{FloatToHalf(1), FloatToHalf(-2)}, {FloatToHalf(3), FloatToHalf(6)}}, {0.25, 0.75}),
              ElementsAre(FloatToHalf(2.5), FloatToHalf(4)));
}

TEST(AverageTest, OneAloneIsItself) {
  EXPECT_THAT(Mean<float>(DType::kFloat32, {3}, {{0.1f, -0.f, 1e30f}}, {1}), ElementsAre(0.1f, -0.f, 1e30f));
}

TEST(AverageTest, SumsInDoublePrecision) {
  // In float32, 1e8 + 1 is 1e8.
  const std::vector<float> mean = Mean<float>(DType::kFloat32, {1}, {{1e8f}, {1}, {-1e8f}}, {0.25, 0.25, 0.25});
  EXPECT_EQ(mean[0], 0.25f);
}

TEST(AverageTest, NanAndInfinityAreDataAndStayWhereTheyAre) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> mean =
      Mean<float>(DType::kFloat32, {4}, {{1, std::nanf(""), inf, inf}, {3, 1, 1, -inf}}, {0.5, 0.5});
  EXPECT_EQ(mean[0], 2);
  EXPECT_TRUE(std::isnan(mean[1]));
  EXPECT_EQ(mean[2], inf);
  EXPECT_TRUE(std::isnan(mean[3]));
}

TEST(AverageTest, NothingHasAMeanOfNothing) {
  EXPECT_THAT(Mean<float>(DType::kFloat32, {2, 0}, {{}, {}}, {0.5, 0.5}), ElementsAre());
}

TEST(AverageTest, WhatCannotBeAveragedIsNamed) {
  const OutputTensor floats = Tensor<float>(DType::kFloat32, {1, 2}, {1, 2});
  const OutputTensor turned = Tensor<float>(DType::kFloat32, {2, 1}, {1, 2});
  const OutputTensor doubles = Tensor<double>(DType::kFloat64, {1, 2}, {1, 2});
  const OutputTensor whole = Tensor<int32_t>(DType::kInt32, {1, 2}, {1, 2});
  const OutputTensor strings{"p", std::nullopt, {2}, "", {"a", "b"}};
  const struct {
    const OutputTensor& a;
    const OutputTensor& b;
    const char* says;
  } cases[] = {
      {floats, turned, "shape [1, 2] of one type, got [2, 1]"},
      {floats, doubles, "of one type"},
      {floats, strings, "of one type"},
      {whole, whole, "expected floating-point numbers"},
      {strings, strings, "expected floating-point numbers"},
  };
  for (const auto& c : cases) {
    OutputTensor mean;
    EXPECT_THAT(Average({&c.a, &c.b}, {0.5, 0.5}, &mean),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("output 'p'"), HasSubstr(c.says))));
  }
}

}  // namespace
}  // namespace beak
