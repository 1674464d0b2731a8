#include "engine/simd/image_gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "tests/engine/simd/numbers.h"

namespace beak::simd {
namespace {

struct Case {
  const char* name;
  ImageConvolution convolution;
};

ImageConvolution Make(int64_t channels, int64_t size, int64_t kernel_rows, int64_t kernel_columns, int64_t stride,
                      int64_t dilation, int64_t pad, int64_t filters, int64_t lanes) {
  ImageConvolution c;
  c.images = 3;
  c.channels = channels;
  c.window.rows = size;
  c.window.columns = size + 2;
  c.window.kernel_rows = kernel_rows;
  c.window.kernel_columns = kernel_columns;
  c.window.row_stride = stride;
  c.window.column_stride = stride;
  c.window.row_dilation = c.window.column_dilation = dilation;
  c.window.row_pad = pad;
  c.window.column_pad = pad;
  c.window.output_rows = (c.window.rows + 2 * pad - (c.window.kernel_rows - 1) * dilation - 1) / stride + 1;
  c.window.output_columns = (c.window.columns + 2 * pad - (c.window.kernel_columns - 1) * dilation - 1) / stride + 1;
  c.filters = filters;
  c.lanes = lanes;
  c.blocks = (filters + lanes - 1) / lanes;
  c.block_stride = c.window.output_rows * c.window.output_columns * lanes;
  c.image_stride = c.blocks * c.block_stride;
  return c;
}

const Case kCases[] = {
    {"one_channel", Make(1, 9, 3, 4, 1, 1, 0, 25, 8)},
    {"three_channels", Make(3, 9, 3, 4, 1, 1, 1, 16, 8)},
    {"strides", Make(3, 11, 5, 6, 2, 1, 2, 8, 8)},
    {"dilated", Make(2, 12, 3, 4, 1, 2, 1, 12, 16)},
    {"channels_last", Make(4, 7, 2, 3, 1, 1, 0, 13, 13)},
    {"rows_that_no_window_reaches", Make(1, 10, 2, 3, 4, 1, 0, 8, 8)},
    {"three_by_three", Make(3, 8, 3, 3, 1, 1, 1, 8, 8)},
    {"five_by_five", Make(1, 8, 5, 5, 1, 1, 2, 16, 8)},
    {"seven_by_seven", Make(3, 12, 7, 7, 2, 1, 3, 8, 8)},
};

struct Gradients {
  std::vector<float> weights, bias;
};

class ImageGradientTest : public ::testing::TestWithParam<std::tuple<Case, Isa>> {
 protected:
  void SetUp() override {
    if (std::get<1>(GetParam()) > BestIsa()) {
      GTEST_SKIP() << "this machine has no " << IsaName(std::get<1>(GetParam()));
    }
    c_ = std::get<0>(GetParam()).convolution;
    c_.isa = std::get<1>(GetParam());
    x_ = Numbers(c_.images * c_.channels * c_.window.rows * c_.window.columns, 1);
    dy_ = Numbers(c_.images * c_.image_stride, 2);
  }

  Gradients RunOn(int threads) {
    c_.threads = threads;
    Gradients result{std::vector<float>(static_cast<size_t>(c_.filters * c_.taps()), 12345.0f),
                     std::vector<float>(static_cast<size_t>(c_.filters), 12345.0f)};
    std::vector<std::byte> scratch(c_.scratch_bytes(), std::byte{0xFF});
    WeightGradient(c_, x_.data(), dy_.data(), result.weights.data(), result.bias.data(), scratch.data());
    return result;
  }

  double X(int64_t image, int64_t channel, int64_t row, int64_t column) const {
    if (row < 0 || row >= c_.window.rows || column < 0 || column >= c_.window.columns) return 0;
    return x_[static_cast<size_t>(((image * c_.channels + channel) * c_.window.rows + row) * c_.window.columns +
                                  column)];
  }
  double Dy(int64_t image, int64_t filter, int64_t row, int64_t column) const {
    return dy_[static_cast<size_t>(image * c_.image_stride + filter / c_.lanes * c_.block_stride +
                                   (row * c_.window.output_columns + column) * c_.lanes + filter % c_.lanes)];
  }

  // Calls fn(image, row, column) for each element of an output's plane.
  template <typename Fn>
  void ForEachOutput(Fn fn) const {
    for (int64_t image = 0; image < c_.images; ++image) {
      for (int64_t row = 0; row < c_.window.output_rows; ++row) {
        for (int64_t column = 0; column < c_.window.output_columns; ++column) fn(image, row, column);
      }
    }
  }

  ImageConvolution c_;
  std::vector<float> x_, dy_;
};

TEST_P(ImageGradientTest, SumsProducts) {
  for (const int threads : {1, 2, 4}) {
    const Gradients actual = RunOn(threads);
    size_t i = 0;
    for (int64_t filter = 0; filter < c_.filters; ++filter) {
      double bias = 0;
      ForEachOutput([&](int64_t image, int64_t row, int64_t column) { bias += Dy(image, filter, row, column); });
      EXPECT_NEAR(actual.bias[static_cast<size_t>(filter)], bias, 1e-4);
      for (int64_t tap = 0; tap < c_.taps(); ++tap, ++i) {
        const int64_t column = tap % c_.window.kernel_columns,
                      row = tap / c_.window.kernel_columns % c_.window.kernel_rows;
        double sum = 0;
        ForEachOutput([&](int64_t image, int64_t y_row, int64_t y_column) {
          sum += Dy(image, filter, y_row, y_column) *
                 X(image, tap / c_.window.kernel_columns / c_.window.kernel_rows,
                   y_row * c_.window.row_stride - c_.window.row_pad + row * c_.window.row_dilation,
                   y_column * c_.window.column_stride - c_.window.column_pad + column * c_.window.column_dilation);
        });
        ASSERT_NEAR(actual.weights[i], sum, 1e-4) << "filter " << filter << ", tap " << tap;
      }
    }
  }
}

TEST_P(ImageGradientTest, WithoutABiasTheWeightsAreTheSame) {
  const Gradients expected = RunOn(1);
  std::vector<float> weights(expected.weights.size(), 12345.0f);
  std::vector<std::byte> scratch(c_.scratch_bytes(), std::byte{0xFF});
  WeightGradient(c_, x_.data(), dy_.data(), weights.data(), nullptr, scratch.data());
  EXPECT_EQ(weights, expected.weights);
}

TEST_P(ImageGradientTest, HasTheSameBitsAgain) {
  const Gradients one = RunOn(2), again = RunOn(2);
  EXPECT_EQ(std::memcmp(one.weights.data(), again.weights.data(), one.weights.size() * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(one.bias.data(), again.bias.data(), one.bias.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(All, ImageGradientTest,
                         ::testing::Combine(::testing::ValuesIn(kCases), ::testing::Values(Isa::kSse2, Isa::kAvx2)),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) + "_" + IsaName(std::get<1>(one.param));
                         });

}  // namespace
}  // namespace beak::simd
