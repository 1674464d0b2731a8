#include "engine/simd/winograd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/engine/simd/numbers.h"

namespace beak::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  int64_t images, channels, rows, columns, filters;
  int64_t pad_top = 1, pad_left = 1, pad_bottom = 1, pad_right = 1;
  int64_t lanes = 0;  // 0: all channels side by side
  int64_t dilation = 1;
};

// A convolution with numbers to compute it from.
class Convolution {
 public:
  Convolution(const Case& c, Isa isa, int threads = 1) : case_(c) {
    shape_.images = c.images;
    shape_.channels = c.channels;
    shape_.rows = c.rows;
    shape_.columns = c.columns;
    shape_.filters = c.filters;
    shape_.output_rows = c.rows + (c.pad_top + c.pad_bottom - 2) * c.dilation;
    shape_.output_columns = c.columns + (c.pad_left + c.pad_right - 2) * c.dilation;
    shape_.dilation = c.dilation;
    shape_.pad_top = c.pad_top;
    shape_.pad_left = c.pad_left;
    shape_.x = StridesOf(c.lanes > 0 ? c.lanes : c.channels, c.channels, c.rows, c.columns);
    shape_.y = StridesOf(c.lanes > 0 ? c.lanes : c.filters, c.filters, shape_.output_rows, shape_.output_columns);
    x = Numbers(c.images * shape_.x.image, 1);
    weights = Numbers(c.filters * c.channels * 9, 2);
    bias = Numbers(c.filters, 3);
    summand = Numbers(c.images * shape_.y.image, 4);
    convolution_ = std::make_unique<WinogradConvolution>(shape_, isa, threads);
    packed_.resize(convolution_->filters().reversible_elements());
    convolution_->filters().PackReversibly(weights.data(), packed_.data());
  }

  std::vector<float> Run(bool accumulate = false, float lower = -kInfinity, float upper = kInfinity) const {
    std::vector<float> y = accumulate ? summand : std::vector<float>(summand.size(), 12345.0f);
    std::vector<float> scratch(convolution_->scratch_elements());
    convolution_->Run({x.data(), packed_.data(), bias.data(), y.data(), accumulate, lower, upper, scratch.data()});
    return y;
  }

  static int64_t At(const ImageStrides& at, int64_t image, int64_t channel, int64_t row, int64_t column) {
    return image * at.image + channel / at.lanes * at.block + channel % at.lanes + row * at.row + column * at.pixel;
  }

  // By the definition, in double precision: the sum, and that of its terms' magnitudes.
  std::pair<double, double> Expected(int64_t image, int64_t filter, int64_t row, int64_t column) const {
    double sum = bias[static_cast<size_t>(filter)], magnitude = std::abs(sum);
    for (int64_t c = 0; c < case_.channels; ++c) {
      for (int64_t i = 0; i < 9; ++i) {
        const int64_t r = row + (i / 3 - case_.pad_top) * case_.dilation;
        const int64_t s = column + (i % 3 - case_.pad_left) * case_.dilation;
        if (r < 0 || r >= case_.rows || s < 0 || s >= case_.columns) continue;
        const double term = static_cast<double>(x[static_cast<size_t>(At(shape_.x, image, c, r, s))]) *
                            static_cast<double>(weights[static_cast<size_t>((filter * case_.channels + c) * 9 + i)]);
        sum += term;
        magnitude += std::abs(term);
      }
    }
    return {sum, magnitude};
  }

  const WinogradShape& shape() const { return shape_; }
  const WinogradFilters& filters() const { return convolution_->filters(); }
  const std::vector<float>& packed() const { return packed_; }

  std::vector<float> x, weights, bias, summand;

 private:
  static ImageStrides StridesOf(int64_t lanes, int64_t channels, int64_t rows, int64_t columns) {
    return {channels * rows * columns, rows * columns * lanes, columns * lanes, lanes, lanes};
  }

  const Case case_;
  WinogradShape shape_;
  std::unique_ptr<WinogradConvolution> convolution_;
  std::vector<float> packed_;
};

class WinogradTest : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > BestIsa()) GTEST_SKIP() << "this machine has no " << IsaName(GetParam());
  }
};

// Lavin and Gray state an error of F(4x4, 3x3) of some ten times that of the direct sum.
constexpr double kTolerance = 1e-5;  // of the sum of magnitudes

void ExpectAsDefined(const Convolution& convolution, const std::vector<float>& y,
                     const std::vector<float>* summand = nullptr) {
  const WinogradShape& shape = convolution.shape();
  for (int64_t image = 0; image < shape.images; ++image) {
    for (int64_t filter = 0; filter < shape.filters; ++filter) {
      for (int64_t row = 0; row < shape.output_rows; ++row) {
        for (int64_t column = 0; column < shape.output_columns; ++column) {
          auto [expected, magnitude] = convolution.Expected(image, filter, row, column);
          const auto at = static_cast<size_t>(Convolution::At(shape.y, image, filter, row, column));
          if (summand != nullptr) expected += static_cast<double>((*summand)[at]);
          ASSERT_NEAR(static_cast<double>(y[at]), expected, kTolerance * (magnitude + 1))
              << "image " << image << ", filter " << filter << ", row " << row << ", column " << column;
        }
      }
    }
  }
}

TEST_P(WinogradTest, AgreesWithTheDefinition) {
  const int64_t lanes = WinogradLanes(GetParam());
  for (const Case& c :
       {Case{1, lanes, 4, 4, lanes}, Case{2, 3 * lanes, 5, 9, 2 * lanes}, Case{1, lanes, 1, 1, lanes},
        Case{1, lanes, 7, 3, lanes, 0, 0, 0, 0}, Case{1, 2 * lanes, 6, 6, lanes, 2, 0, 0, 2},
        Case{2, lanes, 19, 19, 5 * lanes}, Case{3, 2 * lanes, 8, 10, 2 * lanes, 1, 1, 1, 1, lanes},
        Case{1, 4 * lanes, 30, 61, 2 * lanes, 1, 1, 1, 1, 2 * lanes},
        Case{2, lanes, 13, 22, 2 * lanes, 1, 1, 1, 1, 0, 2}, Case{1, lanes, 3, 40, lanes, 1, 2, 1, 0, lanes, 4},
        Case{1, lanes, 9, 9, lanes, 0, 0, 0, 0, 0, 3}}) {
    const Convolution convolution(c, GetParam());
    ExpectAsDefined(convolution, convolution.Run());
  }
}

TEST_P(WinogradTest, AddsWhatIsThereAndClamps) {
  const int64_t lanes = WinogradLanes(GetParam());
  const Convolution convolution({1, lanes, 6, 7, lanes}, GetParam());
  const std::vector<float> sum = convolution.Run(true);
  ExpectAsDefined(convolution, sum, &convolution.summand);
  const std::vector<float> clamped = convolution.Run(true, 0, 0.5f);
  for (size_t i = 0; i < sum.size(); ++i) EXPECT_EQ(clamped[i], std::clamp(sum[i], 0.0f, 0.5f));
}

void ExpectSameBits(const Case& batch, Isa isa) {
  const std::vector<float> together = Convolution(batch, isa).Run();
  for (const int threads : {2, 3, 4}) {
    const std::vector<float> y = Convolution(batch, isa, threads).Run();
    EXPECT_EQ(std::memcmp(y.data(), together.data(), y.size() * sizeof(float)), 0) << threads << " threads";
  }
  Case one = batch;
  one.images = 1;
  Convolution alone(one, isa);
  const Convolution all(batch, isa);
  for (int64_t image = 0; image < batch.images; ++image) {
    const int64_t size = alone.shape().x.image;
    std::copy_n(all.x.begin() + image * size, size, alone.x.begin());
    const std::vector<float> y = alone.Run();
    EXPECT_EQ(std::memcmp(y.data(), together.data() + image * alone.shape().y.image, y.size() * sizeof(float)), 0)
        << "image " << image;
  }
}

TEST_P(WinogradTest, AnImageHasTheSameBitsInAnyBatchAndOnAnyNumberOfThreads) {
  const int64_t lanes = WinogradLanes(GetParam());
  // Of several chunks, whose borders go through images.
  for (const int64_t dilation : {1, 2}) {
    Case batch{7, 3 * lanes, 18, 17, 5 * lanes};
    batch.dilation = dilation;
    ExpectSameBits(batch, GetParam());
  }
}

TEST_P(WinogradTest, FiltersComeBackAsTheyWere) {
  const int64_t lanes = WinogradLanes(GetParam());
  const Convolution convolution({1, lanes, 4, 4, 3 * lanes}, GetParam());
  std::vector<float> plain(convolution.weights.size());
  convolution.filters().Unpack(convolution.packed().data(), plain.data());
  EXPECT_EQ(plain, convolution.weights);
}

TEST_P(WinogradTest, TurnedFiltersAreThoseOfTheGradient) {
  const int64_t lanes = WinogradLanes(GetParam());
  const int64_t channels = 3 * lanes, filters = 2 * lanes;
  const std::vector<float> plain = Numbers(channels * filters * 9, 5);
  std::vector<float> turned(plain.size());  // [filters, channels] of [channels, filters]
  for (int64_t f = 0; f < filters; ++f) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < 9; ++i) {
        turned[static_cast<size_t>((f * channels + c) * 9 + i)] =
            plain[static_cast<size_t>((c * filters + f) * 9 + 8 - i)];
      }
    }
  }
  const WinogradFilters gradient(channels, filters, GetParam(), FilterOrder::kInputGradient);
  const WinogradFilters forward(channels, filters, GetParam(), FilterOrder::kForward);
  std::vector<float> actual(gradient.packed_elements()), expected(forward.packed_elements());
  gradient.Pack(plain.data(), actual.data(), 2);
  forward.Pack(turned.data(), expected.data(), 1);
  EXPECT_EQ(actual, expected);
}

TEST_P(WinogradTest, NaNReachesWhatItBelongsTo) {
  const int64_t lanes = WinogradLanes(GetParam());
  Convolution convolution({2, lanes, 9, 9, lanes}, GetParam());
  convolution.x[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = convolution.Run(false, 0, 6);
  const WinogradShape& shape = convolution.shape();
  EXPECT_TRUE(std::isnan(y[static_cast<size_t>(Convolution::At(shape.y, 0, 0, 0, 0))]));
  EXPECT_FALSE(std::isnan(y[static_cast<size_t>(Convolution::At(shape.y, 0, 0, 8, 8))]));
  for (int64_t i = 0; i < shape.y.image; ++i) EXPECT_FALSE(std::isnan(y[static_cast<size_t>(shape.y.image + i)]));
}

INSTANTIATE_TEST_SUITE_P(Isas, WinogradTest, ::testing::Values(Isa::kAvx2, Isa::kAvx512),
                         [](const auto& isa) { return std::string(IsaName(isa.param)); });

}  // namespace
}  // namespace beak::simd
