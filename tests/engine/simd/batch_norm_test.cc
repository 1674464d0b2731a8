#include "engine/simd/batch_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "tests/engine/simd/numbers.h"

namespace beak::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kEpsilon = 1e-3;

struct Case {
  const char* name;
  NormPlanes planes;
  float lower = -kInfinity, upper = kInfinity;
  bool residual = false;
};

// images, blocks, pixels, lanes, channels; strides of images, blocks, pixels
const Case kCases[] = {
    {"blocks_of_8", {3, 2, 35, 8, 16, 560, 280, 8}},
    {"blocks_with_padding", {3, 2, 35, 8, 11, 560, 280, 8}, 0},
    {"blocks_of_16", {2, 1, 9, 16, 16, 144, 144, 16}, 0, 1},
    {"channels_last", {3, 1, 21, 13, 13, 273, 273, 13}, 0, kInfinity, true},
    {"fewer_channels_than_a_vector", {2, 1, 7, 3, 3, 21, 21, 3}, 0},
    {"features", {37, 1, 1, 10, 10, 10, 10, 10}},
    {"several_pieces", {2, 1, 5000, 8, 8, 40000, 40000, 8}, 0},
    {"many_channels", {2, 1, 150, 40, 40, 6000, 6000, 40}, 0},
};

class BatchNormTest : public ::testing::TestWithParam<std::tuple<Case, Isa>> {
 protected:
  void SetUp() override {
    if (isa() > BestIsa()) GTEST_SKIP() << "this machine has no " << IsaName(isa());
    norm_.planes = one().planes;
    norm_.epsilon = static_cast<float>(kEpsilon);
    norm_.lower = one().lower;
    norm_.upper = one().upper;
    norm_.isa = isa();
    const int64_t size = planes().images * planes().image_stride;
    x_ = Numbers(size, 1);
    // Far from 0, where sums of squares would lose what differs.
    for (float& value : x_) value = 30 + 2 * value;
    dy_ = Numbers(size, 2);
    residual_ = Numbers(size, 3);
    scale_ = Numbers(planes().channels, 4);
    bias_ = Numbers(planes().channels, 5);
    for (std::vector<float>* data : {&x_, &dy_, &residual_}) ClearPadding(*data);
  }

  const Case& one() const { return std::get<0>(GetParam()); }
  Isa isa() const { return std::get<1>(GetParam()); }
  const NormPlanes& planes() const { return norm_.planes; }

  // Calls fn(place) for every element of a channel.
  template <typename Fn>
  void ForEach(int64_t channel, Fn fn) const {
    for (int64_t image = 0; image < planes().images; ++image) {
      for (int64_t pixel = 0; pixel < planes().pixels; ++pixel) {
        fn(static_cast<size_t>(image * planes().image_stride + channel / planes().lanes * planes().block_stride +
                               channel % planes().lanes + pixel * planes().pixel_stride));
      }
    }
  }

  void ClearPadding(std::vector<float>& data) const {
    for (int64_t c = planes().channels; c < planes().padded_channels(); ++c) {
      ForEach(c, [&](size_t i) { data[i] = 0; });
    }
  }

  struct Results {
    std::vector<float> y, mean, variance, dx, dscale, dbias;
  };

  Results RunBoth(int threads) {
    norm_.threads = threads;
    const auto channels = static_cast<size_t>(planes().channels);
    Results r;
    for (std::vector<float>* data : {&r.y, &r.dx}) data->assign(x_.size(), 12345.0f);
    for (std::vector<float>* data : {&r.mean, &r.variance, &r.dscale, &r.dbias}) data->assign(channels, 12345.0f);
    std::vector<std::byte> scratch(norm_.scratch_bytes(), std::byte{0xFF});
    RunBatchNorm(norm_, BatchNormForward{x_.data(), one().residual ? residual_.data() : nullptr, scale_.data(),
                                         bias_.data(), r.y.data(), r.mean.data(), r.variance.data(), scratch.data()});
    RunBatchNorm(norm_,
                 BatchNormBackward{x_.data(), dy_.data(), scale_.data(), bias_.data(), r.mean.data(), r.variance.data(),
                                   r.dx.data(), r.dscale.data(), r.dbias.data(), scratch.data()});
    return r;
  }

  BatchNorm norm_;
  std::vector<float> x_, dy_, residual_, scale_, bias_;
};

// In double, by the formulas; float32 rounds numbers around 30 by 2e-6, and sums of some thousand of them.
TEST_P(BatchNormTest, ComputesTheFormulas) {
  const Results r = RunBoth(1);
  const double n = static_cast<double>(planes().images * planes().pixels);
  for (int64_t c = 0; c < planes().channels; ++c) {
    double mean = 0, variance = 0, sum = 0, product = 0;
    ForEach(c, [&](size_t i) { mean += x_[i] / n; });
    ForEach(c, [&](size_t i) { variance += (x_[i] - mean) * (x_[i] - mean) / n; });
    EXPECT_NEAR(r.mean[c], mean, 1e-5);
    EXPECT_NEAR(r.variance[c], variance, 2e-5 * variance);
    const double deviation = std::sqrt(variance + kEpsilon);
    const auto before = [&](size_t i) { return (x_[i] - mean) / deviation * scale_[c] + bias_[c]; };
    const auto passed = [&](size_t i) { return before(i) > one().lower && before(i) < one().upper ? dy_[i] : 0.0; };
    ForEach(c, [&](size_t i) {
      const double y = before(i) + (one().residual ? residual_[i] : 0);
      EXPECT_NEAR(r.y[i], std::clamp<double>(y, one().lower, one().upper), 1e-5);
      sum += passed(i);
      product += passed(i) * (x_[i] - mean) / deviation;
    });
    EXPECT_NEAR(r.dbias[c], sum, 1e-5 * n);
    EXPECT_NEAR(r.dscale[c], product, 1e-5 * n);
    ForEach(c, [&](size_t i) {
      const double dx = scale_[c] / deviation * (passed(i) - sum / n - (x_[i] - mean) / deviation * product / n);
      EXPECT_NEAR(r.dx[i], dx, 2e-5);
    });
  }
}

TEST_P(BatchNormTest, PaddingStaysZero) {
  const Results r = RunBoth(2);
  for (int64_t c = planes().channels; c < planes().padded_channels(); ++c) {
    ForEach(c, [&](size_t i) {
      EXPECT_EQ(r.y[i], 0);
      EXPECT_EQ(r.dx[i], 0);
    });
  }
}

TEST_P(BatchNormTest, NanStaysInItsChannel) {
  const Results clean = RunBoth(1);
  x_[0] = std::numeric_limits<float>::quiet_NaN();
  const Results r = RunBoth(1);
  EXPECT_TRUE(std::isnan(r.mean[0]) && std::isnan(r.variance[0]) && std::isnan(r.dscale[0]));
  ForEach(0, [&](size_t i) { EXPECT_TRUE(std::isnan(r.y[i])) << "activations keep it too"; });
  for (int64_t c = 1; c < planes().channels; ++c) {
    EXPECT_EQ(r.dbias[c], clean.dbias[c]);
    ForEach(c, [&](size_t i) {
      EXPECT_EQ(r.y[i], clean.y[i]);
      EXPECT_EQ(r.dx[i], clean.dx[i]);
    });
  }
}

TEST_P(BatchNormTest, ResultsThatAreNotWantedAreLeftOut) {
  const Results r = RunBoth(1);
  std::vector<float> dx(x_.size(), 12345.0f);
  std::vector<std::byte> scratch(norm_.scratch_bytes(), std::byte{0xFF});
  RunBatchNorm(norm_, BatchNormBackward{x_.data(), dy_.data(), scale_.data(), bias_.data(), r.mean.data(),
                                        r.variance.data(), dx.data(), nullptr, nullptr, scratch.data()});
  EXPECT_EQ(dx, r.dx);
}

TEST_P(BatchNormTest, HasTheSameBitsOnAnyNumberOfThreads) {
  const Results one = RunBoth(1);
  for (const int threads : {2, 3}) {
    const Results more = RunBoth(threads);
    for (const auto& [a, b] : {std::pair(&one.y, &more.y),
                               {&one.mean, &more.mean},
                               {&one.variance, &more.variance},
                               {&one.dx, &more.dx},
                               {&one.dscale, &more.dscale},
                               {&one.dbias, &more.dbias}}) {
      EXPECT_EQ(std::memcmp(a->data(), b->data(), a->size() * sizeof(float)), 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, BatchNormTest,
                         ::testing::Combine(::testing::ValuesIn(kCases), ::testing::Values(Isa::kSse2, Isa::kAvx2)),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) + "_" + IsaName(std::get<1>(one.param));
                         });

}  // namespace
}  // namespace beak::simd
