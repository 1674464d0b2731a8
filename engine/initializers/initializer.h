#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/initializers/fans.h"
#include "engine/initializers/flavour.h"
#include "engine/tensor/shape.h"

// What weights are before the first step. Source: keras/src/initializers/random_initializers.py, torch/nn/init.py,
// torch/nn/modules/{linear,conv}.py. Distributions are the frameworks'; their random streams are not.
namespace beak {

struct ConstantInit {
  double value = 0;
};

struct UniformInit {
  double low = 0;
  double high = 0;
};

struct NormalInit {
  double mean = 0;
  double stddev = 0;
};

// A normal distribution of which what lies further than `cut` standard deviations from the mean is drawn again. Keras
// cuts at 2; PyTorch's trunc_normal_ cuts at values, by default 2, which is 2 / stddev here.
struct TruncatedNormalInit {
  double mean = 0;
  double stddev = 0;
  double cut = 2;
};

enum class FanMode { kIn, kOut, kAverage };
// kTruncatedNormal is Keras': cut at two of its own standard deviations, which are wide enough for the variance that is
// left.
enum class ScaledShape { kUniform, kNormal, kTruncatedNormal };

// Mean 0 and variance scale / fan.
struct ScaledInit {
  double scale = 1;
  FanMode fan = FanMode::kIn;
  ScaledShape shape = ScaledShape::kUniform;
};

// `gain` times an orthogonal matrix, uniform among all, for the weight as a matrix of its first dimension by the rest:
// rows are orthonormal, or columns where there are more rows. Takes rows^2 * columns operations (of the smaller first).
struct OrthogonalInit {
  double gain = 1;
};

using Initializer =
    std::variant<ConstantInit, UniformInit, NormalInit, TruncatedNormalInit, ScaledInit, OrthogonalInit>;

// Xavier (Glorot and Bengio 2010): variance 2 / (fan_in + fan_out). PyTorch's xavier_*_ take a gain.
ScaledInit GlorotUniform(double gain = 1);
ScaledInit GlorotNormal(Flavour flavour, double gain = 1);
// Kaiming (He et al. 2015): variance gain^2 / fan; Keras' he_* are those of ReLU's gain and fan_in.
ScaledInit HeUniform();
ScaledInit HeNormal(Flavour flavour);
ScaledInit KaimingUniform(double gain, FanMode fan);
ScaledInit KaimingNormal(double gain, FanMode fan);
// Variance 1 / fan_in; Keras only.
ScaledInit LecunUniform();
ScaledInit LecunNormal();

enum class Nonlinearity { kLinear, kSigmoid, kTanh, kRelu, kLeakyRelu, kSelu };

// torch.nn.init.calculate_gain: 1, 1, 5/3, sqrt(2), sqrt(2 / (1 + slope^2)), 3/4.
double GainOf(Nonlinearity nonlinearity, double slope = 0.01);

// What a layer uses that says nothing: Keras' kernels are Glorot uniform and its biases 0; PyTorch's are both uniform
// within 1 / sqrt(fan_in), a bias with the fans of its layer's weight. Embeddings are uniform within 0.05 (Keras) or
// standard normal (PyTorch).
Initializer DefaultWeightInitializer(Flavour flavour, WeightRole role);
Initializer DefaultBiasInitializer(Flavour flavour);

// Every field that is wrong, named.
std::vector<std::string> Validate(const Initializer& initializer);

// Fills a parameter. Its numbers follow from `seed`, its name and its size alone: other parameters, and their order,
// change nothing. REQUIRES: an initializer that Validate accepts, as many values as `shape` has elements, fans above 0.
void Initialize(const Initializer& initializer, const Fans& fans, const Shape& shape, uint64_t seed,
                std::string_view name, std::span<float> values);

}  // namespace beak
