#include "engine/simd/max_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace beak::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  const char* name;
  int64_t lanes;
  int64_t rows, columns;  // of the input
  int64_t kernel, stride, dilation, pad;
};

const Case kCases[] = {
    {"halving", 8, 6, 8, 2, 2, 1, 0},       {"elements_left_over", 8, 7, 9, 2, 2, 1, 0},
    {"overlapping", 8, 9, 7, 3, 2, 1, 1},   {"dilated", 8, 9, 9, 2, 2, 3, 0},
    {"wide_strides", 8, 9, 9, 2, 4, 1, 0},  {"sixteen_channels", 16, 6, 6, 2, 2, 1, 0},
    {"odd_channels", 13, 6, 7, 2, 2, 1, 0}, {"few_channels", 3, 7, 7, 3, 1, 1, 1},
};

std::vector<PoolTaps> TapsOf(const Case& one, int64_t input) {
  std::vector<PoolTaps> taps;
  const int64_t extent = (one.kernel - 1) * one.dilation + 1;
  for (int64_t first = -one.pad; first + extent <= input + one.pad; first += one.stride) {
    PoolTaps tap{first, one.kernel};
    for (; tap.first < 0; tap.first += one.dilation) --tap.count;
    while (tap.first + (tap.count - 1) * one.dilation >= input) --tap.count;
    taps.push_back(tap);
  }
  return taps;
}

PoolPlane PlaneOf(const Case& one) {
  PoolPlane plane;
  plane.input_rows = one.rows;
  plane.input_columns = one.columns;
  plane.rows = TapsOf(one, one.rows);
  plane.columns = TapsOf(one, one.columns);
  plane.row_dilation = plane.column_dilation = one.dilation;
  plane.lanes = one.lanes;
  plane.x_pixel = plane.y_pixel = one.lanes;
  plane.x_row = one.columns * one.lanes;
  plane.y_row = static_cast<int64_t>(plane.columns.size()) * one.lanes;
  return plane;
}

// Few different numbers, so that there are several largest ones, of both signs.
std::vector<float> Numbers(int64_t count, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(bits() % 9) - 5;
  return values;
}

class MaxPoolTest : public ::testing::TestWithParam<std::tuple<Case, Isa>> {
 protected:
  void SetUp() override {
    if (isa() > BestIsa()) GTEST_SKIP() << "this machine has no " << IsaName(isa());
    plane_ = PlaneOf(std::get<0>(GetParam()));
    x_ = Numbers(plane_.input_rows * plane_.x_row, 1);
    y_.assign(plane_.rows.size() * static_cast<size_t>(plane_.y_row), 0.0f);
    ForEachWindow([&](int64_t place, const std::vector<int64_t>& elements) {
      y_[place] = -kInfinity;
      for (const int64_t element : elements) y_[place] = std::max(y_[place], x_[element]);
    });
  }

  Isa isa() const { return std::get<1>(GetParam()); }

  // Calls fn(place of the output, places of the input that its window covers, in order).
  template <typename Fn>
  void ForEachWindow(Fn fn) const {
    for (size_t row = 0; row < plane_.rows.size(); ++row) {
      for (size_t column = 0; column < plane_.columns.size(); ++column) {
        for (int64_t lane = 0; lane < plane_.lanes; ++lane) {
          std::vector<int64_t> elements;
          for (int64_t r = 0; r < plane_.rows[row].count; ++r) {
            for (int64_t c = 0; c < plane_.columns[column].count; ++c) {
              elements.push_back((plane_.rows[row].first + r * plane_.row_dilation) * plane_.x_row +
                                 (plane_.columns[column].first + c * plane_.column_dilation) * plane_.x_pixel + lane);
            }
          }
          fn(static_cast<int64_t>(row) * plane_.y_row + static_cast<int64_t>(column) * plane_.y_pixel + lane, elements);
        }
      }
    }
  }

  PoolPlane plane_;
  std::vector<float> x_, y_;
};

TEST_P(MaxPoolTest, TakesTheLargest) {
  std::vector<float> y(y_.size(), 12345.0f);
  MaxPool(isa(), plane_, x_.data(), y.data());
  EXPECT_EQ(y, y_);
}

TEST_P(MaxPoolTest, TheFirstLargestHasTheGradient) {
  const std::vector<float> dy = Numbers(static_cast<int64_t>(y_.size()), 2);
  for (const bool relu : {false, true}) {
    std::vector<float> expected(x_.size(), 0.0f), dx(x_.size(), 12345.0f);
    ForEachWindow([&](int64_t place, const std::vector<int64_t>& elements) {
      if (relu && y_[place] <= 0) return;
      for (const int64_t element : elements) {
        if (x_[element] != y_[place]) continue;
        expected[element] += dy[place];
        return;
      }
    });
    MaxPoolGradient(isa(), plane_, relu, x_.data(), y_.data(), dy.data(), dx.data());
    EXPECT_EQ(dx, expected) << "relu " << relu;
  }
}

TEST_P(MaxPoolTest, OfWindowsWithNanTheResultIsNan) {
  for (size_t i = 0; i < x_.size(); i += 7) x_[i] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(y_.size(), 12345.0f);
  MaxPool(isa(), plane_, x_.data(), y.data());
  ForEachWindow([&](int64_t place, const std::vector<int64_t>& elements) {
    const bool any = std::any_of(elements.begin(), elements.end(), [&](int64_t i) { return std::isnan(x_[i]); });
    EXPECT_EQ(std::isnan(y[place]), any);
    if (!any) {
      EXPECT_EQ(y[place], y_[place]);
    }
  });
}

TEST_P(MaxPoolTest, NanHasNoGradient) {
  std::fill(x_.begin(), x_.end(), std::numeric_limits<float>::quiet_NaN());
  std::fill(y_.begin(), y_.end(), std::numeric_limits<float>::quiet_NaN());
  const std::vector<float> dy(y_.size(), 1.0f);
  for (const bool relu : {false, true}) {
    std::vector<float> dx(x_.size(), 12345.0f);
    MaxPoolGradient(isa(), plane_, relu, x_.data(), y_.data(), dy.data(), dx.data());
    EXPECT_EQ(dx, std::vector<float>(x_.size(), 0.0f)) << "relu " << relu;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MaxPoolTest,
                         ::testing::Combine(::testing::ValuesIn(kCases), ::testing::Values(Isa::kSse2, Isa::kAvx2)),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) + "_" + IsaName(std::get<1>(one.param));
                         });

}  // namespace
}  // namespace beak::simd
