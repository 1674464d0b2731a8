#include "engine/formats/beak/initializers.h"

#include <cmath>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak::network_format {
namespace {

constexpr double kDefaultWidth = 0.05;  // of Keras' RandomUniform and RandomNormal

double StddevOf(const v1::Initializer& given) { return given.has_stddev() ? given.stddev() : kDefaultWidth; }

absl::StatusOr<Initializer> OfUniform(const v1::Initializer& given) {
  const double min = given.has_min() ? given.min() : -kDefaultWidth;
  const double max = given.has_max() ? given.max() : kDefaultWidth;
  if (min <= max) return UniformInit{min, max};
  return absl::InvalidArgumentError(absl::StrCat("initializer.max: expected at least min ", min, ", got ", max));
}

absl::StatusOr<Initializer> ByKind(const v1::Initializer& given, const Initializer& fallback, const Fans& fans) {
  switch (given.kind()) {
    case v1::Initializer::ZEROS:
      return ConstantInit{0};
    case v1::Initializer::ONES:
      return ConstantInit{1};
    case v1::Initializer::CONSTANT:
      return ConstantInit{given.value()};
    case v1::Initializer::UNIFORM:
      return OfUniform(given);
    case v1::Initializer::NORMAL:
      return NormalInit{given.mean(), StddevOf(given)};
    case v1::Initializer::TRUNCATED_NORMAL:
      return TruncatedNormalInit{given.mean(), StddevOf(given)};
    case v1::Initializer::GLOROT_UNIFORM:
      return GlorotUniform();
    case v1::Initializer::GLOROT_NORMAL:
      return GlorotNormal(FlavourOf(given));
    case v1::Initializer::HE_UNIFORM:
      return HeUniform();
    case v1::Initializer::HE_NORMAL:
      return HeNormal(FlavourOf(given));
    case v1::Initializer::LECUN_UNIFORM:
      return LecunUniform();
    case v1::Initializer::LECUN_NORMAL:
      return LecunNormal();
    case v1::Initializer::ORTHOGONAL:
      return OrthogonalInit{};
    case v1::Initializer::PYTORCH_DEFAULT:
      return UniformInit{-1 / std::sqrt(fans.in), 1 / std::sqrt(fans.in)};
    default:
      return fallback;
  }
}

// A factor on the width: on the variance of what has one by its fans it is squared.
Initializer WithGain(Initializer initializer, double gain) {
  if (auto* scaled = std::get_if<ScaledInit>(&initializer)) scaled->scale *= gain * gain;
  if (auto* orthogonal = std::get_if<OrthogonalInit>(&initializer)) orthogonal->gain *= gain;
  return initializer;
}

}  // namespace

Flavour FlavourOf(const v1::Initializer& given) {
  const bool pytorch = given.flavour() == v1::Initializer::PYTORCH || given.kind() == v1::Initializer::PYTORCH_DEFAULT;
  return pytorch ? Flavour::kPyTorch : Flavour::kKeras;
}

absl::StatusOr<Initializer> Resolve(const v1::Initializer& given, const Initializer& fallback, const Fans& fans) {
  ASSIGN_OR_RETURN(Initializer initializer, ByKind(given, fallback, fans));
  return given.has_gain() ? WithGain(std::move(initializer), given.gain()) : initializer;
}

}  // namespace beak::network_format
