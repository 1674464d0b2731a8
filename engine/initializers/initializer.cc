#include "engine/initializers/initializer.h"

#include <algorithm>
#include <cmath>

#include "engine/base/check.h"
#include "engine/base/field_errors.h"
#include "engine/base/rng.h"

namespace beak {
namespace {

// The standard deviation of a standard normal that is cut at 2.
constexpr double kTruncatedStddev = 0.87962566103423978;

// FNV-1a (Fowler, Noll, Vo), 64 bits: the same on every machine, which std::hash is not.
uint64_t HashOf(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

double TruncatedNormal(Rng& rng, double cut) {
  while (true) {
    const double value = rng.Normal();
    if (std::abs(value) <= cut) return value;
  }
}

double Dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Makes vector `n` of `vectors`, `length` long each, orthogonal to those before it, and of length 1.
void Orthonormalize(std::span<double> vectors, size_t length, size_t n) {
  const std::span<double> current = vectors.subspan(n * length, length);
  // Once more: the first pass leaves rounding errors where little of the vector is left ("twice is enough").
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t before = 0; before < n; ++before) {
      const std::span<const double> other = vectors.subspan(before * length, length);
      const double along = Dot(current, other);
      for (size_t i = 0; i < length; ++i) current[i] -= along * other[i];
    }
  }
  const double norm = std::sqrt(Dot(current, current));
  for (double& value : current) value /= norm;
}

// Fills the values by kind.
struct Filler {
  const Fans& fans;
  const Shape& shape;
  Rng rng;
  std::span<float> values;

  template <typename Draw>
  void Each(const Draw& draw) {
    for (float& value : values) value = static_cast<float>(draw());
  }

  void operator()(const ConstantInit& init) {
    Each([&] { return init.value; });
  }

  void operator()(const UniformInit& init) {
    Each([&] { return rng.Uniform(init.low, init.high); });
  }

  void operator()(const NormalInit& init) {
    Each([&] { return init.mean + init.stddev * rng.Normal(); });
  }

  void operator()(const TruncatedNormalInit& init) {
    Each([&] { return init.mean + init.stddev * TruncatedNormal(rng, init.cut); });
  }

  void operator()(const ScaledInit& init) {
    const double average = (fans.in + fans.out) / 2;
    const double fan = init.fan == FanMode::kIn ? fans.in : init.fan == FanMode::kOut ? fans.out : average;
    const double stddev = std::sqrt(init.scale / fan);
    const double limit = std::sqrt(3.0) * stddev;
    if (init.shape == ScaledShape::kUniform) return (*this)(UniformInit{-limit, limit});
    if (init.shape == ScaledShape::kNormal) return (*this)(NormalInit{0, stddev});
    (*this)(TruncatedNormalInit{0, stddev / kTruncatedStddev, 2});
  }

  // The rows of a normal matrix, orthonormalised, are uniform among all such sets: QR with a positive diagonal.
  void operator()(const OrthogonalInit& init) {
    if (values.empty()) return;
    const size_t rows = shape.empty() ? 1 : static_cast<size_t>(shape[0]);
    const size_t columns = values.size() / rows;
    const size_t count = std::min(rows, columns);
    const size_t length = std::max(rows, columns);
    std::vector<double> vectors(values.size());
    for (double& value : vectors) value = rng.Normal();
    for (size_t n = 0; n < count; ++n) Orthonormalize(vectors, length, n);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t column = 0; column < columns; ++column) {
        const size_t from = rows <= columns ? row * length + column : column * length + row;
        values[row * columns + column] = static_cast<float>(init.gain * vectors[from]);
      }
    }
  }
};

// Notes what is wrong with each kind.
struct Checker {
  FieldErrors& errors;

  void Number(const char* field, double value) {
    errors.ExpectIn(value, -1e30, 1e30, field, "a number in [-1e30, 1e30]");
  }
  void NotNegative(const char* field, double value) { errors.ExpectIn(value, 0, 1e30, field, "a number in [0, 1e30]"); }

  void operator()(const ConstantInit& init) { Number("value", init.value); }
  void operator()(const UniformInit& init) {
    Number("low", init.low);
    Number("high", init.high);
    errors.Expect(!(init.low > init.high), "low", "at most high", init.low);
  }
  void operator()(const NormalInit& init) {
    Number("mean", init.mean);
    NotNegative("stddev", init.stddev);
  }
  void operator()(const TruncatedNormalInit& init) {
    (*this)(NormalInit{init.mean, init.stddev});
    // Where less is left, draws would hardly ever be taken.
    errors.ExpectIn(init.cut, 0.1, 1e30, "cut", "a number in [0.1, 1e30]");
  }
  void operator()(const ScaledInit& init) { NotNegative("scale", init.scale); }
  void operator()(const OrthogonalInit& init) { Number("gain", init.gain); }
};

ScaledShape NormalOf(Flavour flavour) {
  return flavour == Flavour::kKeras ? ScaledShape::kTruncatedNormal : ScaledShape::kNormal;
}

}  // namespace

ScaledInit GlorotUniform(double gain) { return {gain * gain, FanMode::kAverage, ScaledShape::kUniform}; }
ScaledInit GlorotNormal(Flavour flavour, double gain) { return {gain * gain, FanMode::kAverage, NormalOf(flavour)}; }
ScaledInit HeUniform() { return {2, FanMode::kIn, ScaledShape::kUniform}; }
ScaledInit HeNormal(Flavour flavour) { return {2, FanMode::kIn, NormalOf(flavour)}; }
ScaledInit KaimingUniform(double gain, FanMode fan) { return {gain * gain, fan, ScaledShape::kUniform}; }
ScaledInit KaimingNormal(double gain, FanMode fan) { return {gain * gain, fan, ScaledShape::kNormal}; }
ScaledInit LecunUniform() { return {1, FanMode::kIn, ScaledShape::kUniform}; }
ScaledInit LecunNormal() { return {1, FanMode::kIn, ScaledShape::kTruncatedNormal}; }

double GainOf(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::kTanh:
      return 5.0 / 3;
    case Nonlinearity::kRelu:
      return std::sqrt(2.0);
    case Nonlinearity::kLeakyRelu:
      return std::sqrt(2 / (1 + slope * slope));
    case Nonlinearity::kSelu:
      return 0.75;
    case Nonlinearity::kLinear:
    case Nonlinearity::kSigmoid:
      break;
  }
  return 1;
}

Initializer DefaultWeightInitializer(Flavour flavour, WeightRole role) {
  const bool keras = flavour == Flavour::kKeras;
  if (role == WeightRole::kEmbedding) return keras ? Initializer(UniformInit{-0.05, 0.05}) : NormalInit{0, 1};
  if (keras) return GlorotUniform();
  return KaimingUniform(GainOf(Nonlinearity::kLeakyRelu, std::sqrt(5.0)), FanMode::kIn);
}

Initializer DefaultBiasInitializer(Flavour flavour) {
  if (flavour == Flavour::kKeras) return ConstantInit{0};
  return DefaultWeightInitializer(flavour, WeightRole::kDense);
}

std::vector<std::string> Validate(const Initializer& initializer) {
  FieldErrors errors;
  std::visit(Checker{errors}, initializer);
  return errors.Take();
}

void Initialize(const Initializer& initializer, const Fans& fans, const Shape& shape, uint64_t seed,
                std::string_view name, std::span<float> values) {
  BEAK_CHECK(values.size() == static_cast<size_t>(NumElements(shape)));
  std::visit(Filler{fans, shape, Rng(seed).Fork(HashOf(name)), values}, initializer);
}

}  // namespace beak
