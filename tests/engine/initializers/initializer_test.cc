#include "engine/initializers/initializer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/base/rng.h"

namespace beak {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum Flavour;

constexpr int64_t kSamples = 1 << 17;

std::vector<float> Draw(const Initializer& initializer, const Fans& fans, const Shape& shape, uint64_t seed = 1,
                        std::string_view name = "weight") {
  EXPECT_THAT(Validate(initializer), IsEmpty());
  std::vector<float> values(static_cast<size_t>(NumElements(shape)));
  Initialize(initializer, fans, shape, seed, name, values);
  return values;
}

struct Moments {
  double mean = 0;
  double stddev = 0;
  double largest = 0;  // absolute
};

Moments MomentsOf(const std::vector<float>& values) {
  Moments moments;
  for (const float value : values) moments.mean += value / static_cast<double>(values.size());
  for (const double value : values) {
    moments.stddev += (value - moments.mean) * (value - moments.mean) / static_cast<double>(values.size());
    moments.largest = std::max(moments.largest, std::abs(value));
  }
  moments.stddev = std::sqrt(moments.stddev);
  return moments;
}

Moments MomentsOf(const Initializer& initializer, const Fans& fans = {}) {
  return MomentsOf(Draw(initializer, fans, {kSamples}));
}

// Of n = 131072 samples the mean errs by stddev / sqrt(n) and the standard deviation by at most stddev / sqrt(2 n):
// five times that is 1.4 % and 1 % of the standard deviation. The seed is fixed; another one would pass as well.
void ExpectMoments(const Moments& moments, double mean, double stddev) {
  EXPECT_NEAR(moments.mean, mean, 0.014 * stddev);
  EXPECT_NEAR(moments.stddev, stddev, 0.01 * stddev);
}

// The largest of so many uniform numbers is within 0.1 % of the limit (but once in e^131).
void ExpectUniformWithin(const Moments& moments, double limit) {
  ExpectMoments(moments, 0, limit / std::sqrt(3.0));
  EXPECT_LE(moments.largest, limit * (1 + 1e-5));  // limits below are printed with six digits
  EXPECT_GE(moments.largest, limit * 0.999);
}

// The layers of the lecture's network: convolutions 3x3, 1 -> 25 and 25 -> 50, a dense layer 1250 -> 100.
struct Layer {
  WeightGeometry geometry;
  double glorot_limit;
  double he_stddev;
  double pytorch_limit;
};
const Layer kLayers[] = {
    {{WeightRole::kConvolution, 1, 25, 1, 9}, 0.160128, 0.471405, 0.333333},
    {{WeightRole::kConvolution, 25, 50, 1, 9}, 0.094281, 0.094281, 0.066667},
    {{WeightRole::kDense, 1250, 100}, 0.066667, 0.040000, 0.028284},
};

TEST(InitializerTest, LimitsOfTheLectureNetwork) {
  for (const Layer& layer : kLayers) {
    const Fans keras = FansOf(kKeras, layer.geometry);
    const Fans pytorch = FansOf(kPyTorch, layer.geometry);
    ExpectUniformWithin(MomentsOf(DefaultWeightInitializer(kKeras, layer.geometry.role), keras), layer.glorot_limit);
    ExpectUniformWithin(MomentsOf(GlorotUniform(), pytorch), layer.glorot_limit);
    ExpectUniformWithin(MomentsOf(DefaultWeightInitializer(kPyTorch, layer.geometry.role), pytorch),
                        layer.pytorch_limit);
    ExpectUniformWithin(MomentsOf(DefaultBiasInitializer(kPyTorch), pytorch), layer.pytorch_limit);
    ExpectMoments(MomentsOf(HeNormal(kPyTorch), pytorch), 0, layer.he_stddev);
    ExpectMoments(MomentsOf(HeUniform(), keras), 0, layer.he_stddev);
  }
}

TEST(InitializerTest, KerasTruncatesItsNormals) {
  const Moments keras = MomentsOf(HeNormal(kKeras), {9, 225});
  ExpectMoments(keras, 0, 0.471405);
  EXPECT_LE(keras.largest, 2 * 0.535915 + 1e-6);
  EXPECT_GE(keras.largest, 2 * 0.535915 * 0.99);
  // Of 131072 whole normal numbers some 40 lie beyond 3.6 standard deviations.
  EXPECT_GT(MomentsOf(HeNormal(kPyTorch), {9, 225}).largest, 3.6 * 0.471405);
  ExpectMoments(MomentsOf(GlorotNormal(kKeras), {30, 70}), 0, std::sqrt(0.02));
  EXPECT_LE(MomentsOf(GlorotNormal(kKeras), {30, 70}).largest, 2 * std::sqrt(0.02) / 0.87962566 + 1e-6);
}

TEST(InitializerTest, VarianceScalesWithTheFanThatIsNamed) {
  const Fans fans = {16, 64};
  ExpectMoments(MomentsOf(LecunNormal(), fans), 0, 0.25);
  ExpectUniformWithin(MomentsOf(LecunUniform(), fans), std::sqrt(3.0 / 16));
  ExpectMoments(MomentsOf(KaimingNormal(GainOf(Nonlinearity::kRelu), FanMode::kOut), fans), 0, std::sqrt(2.0 / 64));
  ExpectUniformWithin(MomentsOf(KaimingUniform(GainOf(Nonlinearity::kTanh), FanMode::kIn), fans),
                      5.0 / 3 * std::sqrt(3.0 / 16));
  ExpectMoments(MomentsOf(GlorotNormal(kPyTorch, 3), fans), 0, 3 * std::sqrt(2.0 / 80));
}

TEST(InitializerTest, Gains) {
  EXPECT_EQ(GainOf(Nonlinearity::kLinear), 1);
  EXPECT_EQ(GainOf(Nonlinearity::kSigmoid), 1);
  EXPECT_DOUBLE_EQ(GainOf(Nonlinearity::kTanh), 5.0 / 3);
  EXPECT_DOUBLE_EQ(GainOf(Nonlinearity::kRelu), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(GainOf(Nonlinearity::kLeakyRelu, 1), 1);
  EXPECT_DOUBLE_EQ(GainOf(Nonlinearity::kSelu), 0.75);
}

TEST(InitializerTest, PlainDistributions) {
  EXPECT_THAT(Draw(ConstantInit{0.25}, {}, {3}), Each(0.25f));
  EXPECT_THAT(Draw(DefaultBiasInitializer(kKeras), {}, {3}), Each(0.0f));
  const Moments uniform = MomentsOf(UniformInit{1, 3});
  ExpectMoments(uniform, 2, 2 / std::sqrt(12.0));
  EXPECT_LE(uniform.largest, 3);
  ExpectMoments(MomentsOf(NormalInit{-1, 0.5}), -1, 0.5);
  // Keras' TruncatedNormal does not widen: what is left has 0.8796 of the deviation that is named.
  const Moments truncated = MomentsOf(TruncatedNormalInit{0, 0.05});
  ExpectMoments(truncated, 0, 0.05 * 0.87962566);
  EXPECT_LE(truncated.largest, 0.1f);
  ExpectMoments(MomentsOf(TruncatedNormalInit{0, 0.02, 2 / 0.02}), 0, 0.02);  // PyTorch's, cut at +-2
}

TEST(InitializerTest, Embeddings) {
  ExpectUniformWithin(MomentsOf(DefaultWeightInitializer(kKeras, WeightRole::kEmbedding)), 0.05);
  ExpectMoments(MomentsOf(DefaultWeightInitializer(kPyTorch, WeightRole::kEmbedding)), 0, 1);
}

// Float32 rounds entries to 6e-8 of at most 1; sums of up to 72 products stay within 1e-6.
TEST(InitializerTest, OrthogonalRowsOrColumns) {
  for (const Shape& shape : std::vector<Shape>{{6, 20}, {20, 6}, {16, 16}, {16, 8, 3, 3}, {40, 3, 3, 3}, {5}}) {
    const std::vector<float> w = Draw(OrthogonalInit{1.5}, {}, shape);
    const size_t rows = static_cast<size_t>(shape[0]);
    const size_t columns = w.size() / rows;
    const bool of_rows = rows <= columns;
    const auto at = [&](size_t vector, size_t i) {
      return double{of_rows ? w[vector * columns + i] : w[i * columns + vector]};
    };
    for (size_t a = 0; a < std::min(rows, columns); ++a) {
      for (size_t b = 0; b <= a; ++b) {
        double dot = 0;
        for (size_t i = 0; i < std::max(rows, columns); ++i) dot += at(a, i) * at(b, i);
        EXPECT_NEAR(dot, a == b ? 1.5 * 1.5 : 0, 2e-6) << ToString(shape) << " " << a << " " << b;
      }
    }
  }
}

TEST(InitializerTest, OrthogonalOfNothing) { EXPECT_THAT(Draw(OrthogonalInit{}, {}, {0, 3}), IsEmpty()); }

// Each entry of a uniform rotation in 3 dimensions has mean 0 and variance 1/3: of 3000 draws, the mean errs by 0.0105.
TEST(InitializerTest, OrthogonalMatricesAreUniform) {
  std::vector<double> means(9, 0.0);
  std::vector<double> squares(9, 0.0);
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const std::vector<float> w = Draw(OrthogonalInit{}, {}, {3, 3}, seed);
    for (size_t i = 0; i < 9; ++i) {
      means[i] += w[i] / 3000.0;
      squares[i] += double{w[i]} * w[i] / 3000;
    }
  }
  EXPECT_THAT(means, Each(::testing::DoubleNear(0, 0.05)));
  EXPECT_THAT(squares, Each(::testing::DoubleNear(1.0 / 3, 0.03)));
}

TEST(InitializerTest, NumbersFollowFromSeedAndName) {
  const Initializer normal = NormalInit{0, 1};
  const std::vector<float> once = Draw(normal, {}, {8}, 7, "conv1.weight");
  EXPECT_EQ(Draw(normal, {}, {8}, 7, "conv1.weight"), once);
  EXPECT_NE(Draw(normal, {}, {8}, 7, "conv2.weight"), once);
  EXPECT_NE(Draw(normal, {}, {8}, 8, "conv1.weight"), once);
}

// The stream is the one of the name's FNV-1a hash: 0xaf63dc4c8601ec8c is that of "a" in the authors' test vectors.
TEST(InitializerTest, TheStreamIsTheSameOnEveryMachine) {
  Rng rng = Rng(7).Fork(0xaf63dc4c8601ec8c);
  const std::vector<float> drawn = Draw(UniformInit{0, 1}, {}, {3}, 7, "a");
  for (const float value : drawn) EXPECT_EQ(value, static_cast<float>(rng.Uniform()));
}

TEST(InitializerTest, EveryWrongFieldIsNamed) {
  EXPECT_THAT(Validate(ConstantInit{std::nan("")}), ElementsAre("value: expected a number in [-1e30, 1e30], got nan"));
  EXPECT_THAT(Validate(UniformInit{1, 0}), ElementsAre("low: expected at most high, got 1"));
  EXPECT_THAT(
      Validate(TruncatedNormalInit{HUGE_VAL, -1, 0}),
      ElementsAre("mean: expected a number in [-1e30, 1e30], got inf", "stddev: expected a number in [0, 1e30], got -1",
                  "cut: expected a number in [0.1, 1e30], got 0"));
  EXPECT_THAT(Validate(ScaledInit{-1}), ElementsAre("scale: expected a number in [0, 1e30], got -1"));
  EXPECT_THAT(Validate(OrthogonalInit{1e31}), ElementsAre("gain: expected a number in [-1e30, 1e30], got 1e+31"));
}

}  // namespace
}  // namespace beak
