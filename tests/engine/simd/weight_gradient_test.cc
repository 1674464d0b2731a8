#include "engine/simd/weight_gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/cpu.h"
#include "tests/engine/simd/numbers.h"

namespace beak::simd {
namespace {

constexpr int64_t kBlock = 8;

struct Case {
  const char* name;
  BlockedConvolution convolution;
};

BlockedConvolution Make(int64_t input_blocks, int64_t filters, int64_t size, int64_t kernel_rows,
                        int64_t kernel_columns, int64_t stride, int64_t dilation, int64_t pad) {
  BlockedConvolution c;
  c.images = 3;
  c.input_blocks = input_blocks;
  c.window.rows = size;
  c.window.columns = size + 1;
  c.window.kernel_rows = kernel_rows;
  c.window.kernel_columns = kernel_columns;
  c.window.row_stride = c.window.column_stride = stride;
  c.window.row_dilation = c.window.column_dilation = dilation;
  c.window.row_pad = c.window.column_pad = pad;
  c.window.output_rows = (c.window.rows + 2 * pad - (kernel_rows - 1) * dilation - 1) / stride + 1;
  c.window.output_columns = (c.window.columns + 2 * pad - (kernel_columns - 1) * dilation - 1) / stride + 1;
  c.filters = filters;
  c.output_blocks = (filters + kBlock - 1) / kBlock;
  return c;
}

const Case kCases[] = {
    {"three_by_three", Make(2, 16, 7, 3, 3, 1, 1, 1)},
    {"odd_blocks", Make(1, 24, 7, 3, 3, 1, 1, 0)},
    {"one_block", Make(2, 5, 6, 3, 3, 1, 1, 1)},
    {"five_by_five", Make(1, 16, 8, 5, 5, 1, 1, 2)},
    {"two_by_four", Make(1, 8, 7, 2, 4, 1, 1, 0)},
    {"three_by_two", Make(1, 16, 6, 3, 2, 1, 1, 0)},
    {"strides", Make(1, 16, 9, 3, 3, 2, 1, 1)},
    {"dilated", Make(1, 16, 9, 3, 3, 1, 2, 2)},
    {"strides_that_leave_rows", Make(1, 8, 10, 2, 2, 4, 1, 0)},
    {"several_strips", Make(1, 16, 40, 3, 3, 1, 1, 1)},
    {"shares_across_inputs", Make(2, 48, 6, 3, 3, 1, 1, 1)},
};

struct Gradients {
  std::vector<float> weights, bias;
};

class WeightGradientTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    c_ = GetParam().convolution;
    if (BestIsa() == Isa::kSse2) GTEST_SKIP() << "this machine has no AVX2";
    ASSERT_TRUE(HasBlockedWeightGradient(c_));
    x_ = Numbers(c_.images * c_.input_blocks * c_.window.rows * c_.window.columns * kBlock, 1);
    dy_ = Numbers(c_.images * c_.output_blocks * c_.window.output_rows * c_.window.output_columns * kBlock, 2);
  }

  Gradients RunOn(int threads) {
    c_.threads = threads;
    const int64_t window = c_.window.kernel_rows * c_.window.kernel_columns * kBlock * kBlock;
    Gradients result{std::vector<float>(static_cast<size_t>(c_.output_blocks * c_.input_blocks * window), 12345.0f),
                     std::vector<float>(static_cast<size_t>(c_.filters), 12345.0f)};
    std::vector<std::byte> scratch(c_.scratch_bytes(), std::byte{0xFF});
    WeightGradient(c_, x_.data(), dy_.data(), result.weights.data(), result.bias.data(), scratch.data());
    return result;
  }

  double X(int64_t image, int64_t block, int64_t row, int64_t column, int64_t channel) const {
    if (row < 0 || row >= c_.window.rows || column < 0 || column >= c_.window.columns) return 0;
    const int64_t pixel = ((image * c_.input_blocks + block) * c_.window.rows + row) * c_.window.columns + column;
    return x_[static_cast<size_t>(pixel * kBlock + channel)];
  }
  double Dy(int64_t image, int64_t block, int64_t row, int64_t column, int64_t filter) const {
    const int64_t pixel =
        ((image * c_.output_blocks + block) * c_.window.output_rows + row) * c_.window.output_columns + column;
    return dy_[static_cast<size_t>(pixel * kBlock + filter)];
  }

  // The sum of term(image, row, column) over all elements of an output's plane.
  template <typename Term>
  double SumOfOutputs(Term term) const {
    double sum = 0;
    for (int64_t image = 0; image < c_.images; ++image) {
      for (int64_t row = 0; row < c_.window.output_rows; ++row) {
        for (int64_t column = 0; column < c_.window.output_columns; ++column) sum += term(image, row, column);
      }
    }
    return sum;
  }

  double Expected(int64_t output, int64_t input, int64_t row, int64_t column, int64_t channel, int64_t filter) const {
    return SumOfOutputs([&](int64_t image, int64_t y, int64_t x) {
      return Dy(image, output, y, x, filter) *
             X(image, input, y * c_.window.row_stride - c_.window.row_pad + row * c_.window.row_dilation,
               x * c_.window.column_stride - c_.window.column_pad + column * c_.window.column_dilation, channel);
    });
  }

  BlockedConvolution c_;
  std::vector<float> x_, dy_;
};

TEST_P(WeightGradientTest, SumsProducts) {
  for (const int threads : {1, 2, 3, 5}) {
    const Gradients actual = RunOn(threads);
    size_t i = 0;
    for (int64_t output = 0; output < c_.output_blocks; ++output) {
      for (int64_t input = 0; input < c_.input_blocks; ++input) {
        for (int64_t row = 0; row < c_.window.kernel_rows; ++row) {
          for (int64_t column = 0; column < c_.window.kernel_columns; ++column) {
            for (int64_t channel = 0; channel < kBlock; ++channel) {
              for (int64_t filter = 0; filter < kBlock; ++filter, ++i) {
                ASSERT_NEAR(actual.weights[i], Expected(output, input, row, column, channel, filter), 1e-4)
                    << "element " << i << " on " << threads << " threads";
              }
            }
          }
        }
      }
    }
    for (int64_t filter = 0; filter < c_.filters; ++filter) {
      const double bias = SumOfOutputs([&](int64_t image, int64_t row, int64_t column) {
        return Dy(image, filter / kBlock, row, column, filter % kBlock);
      });
      EXPECT_NEAR(actual.bias[static_cast<size_t>(filter)], bias, 1e-4) << "on " << threads << " threads";
    }
  }
}

TEST_P(WeightGradientTest, WithoutABiasTheWeightsAreTheSame) {
  const Gradients expected = RunOn(1);
  std::vector<float> weights(expected.weights.size(), 12345.0f);
  std::vector<std::byte> scratch(c_.scratch_bytes(), std::byte{0xFF});
  WeightGradient(c_, x_.data(), dy_.data(), weights.data(), nullptr, scratch.data());
  EXPECT_EQ(weights, expected.weights);
}

TEST_P(WeightGradientTest, HasTheSameBitsAgain) {
  const Gradients one = RunOn(2), again = RunOn(2);
  EXPECT_EQ(std::memcmp(one.weights.data(), again.weights.data(), one.weights.size() * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(one.bias.data(), again.bias.data(), one.bias.size() * sizeof(float)), 0);
}

INSTANTIATE_TEST_SUITE_P(All, WeightGradientTest, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace beak::simd
