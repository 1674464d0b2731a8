#include "engine/formats/beak/initializers.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/beak/layer_builder.h"

namespace beak::network_format {
namespace {

using Kind = InitializerSpec::Kind;

constexpr double kDefaultWidth = 0.05;  // of Keras' RandomUniform and RandomNormal

InitializerSpec OfKind(Kind kind) {
  InitializerSpec spec;
  spec.kind = kind;
  return spec;
}

InitializerSpec OfNormal(Kind kind, const v1::Initializer& given) {
  InitializerSpec spec = OfKind(kind);
  spec.mean = given.mean();
  spec.stddev = given.has_stddev() ? given.stddev() : kDefaultWidth;
  return spec;
}

absl::StatusOr<InitializerSpec> OfUniform(const v1::Initializer& given) {
  InitializerSpec spec = OfKind(Kind::kUniform);
  spec.min = given.has_min() ? given.min() : -kDefaultWidth;
  spec.max = given.has_max() ? given.max() : kDefaultWidth;
  if (spec.min <= spec.max) return spec;
  return absl::InvalidArgumentError(
      absl::StrCat("initializer.max: expected at least min ", spec.min, ", got ", spec.max));
}

absl::StatusOr<InitializerSpec> ByKind(const v1::Initializer& given, const InitializerSpec& fallback,
                                       const Fans& fans) {
  switch (given.kind()) {
    case v1::Initializer::ZEROS:
      return Constant(0);
    case v1::Initializer::ONES:
      return Constant(1);
    case v1::Initializer::CONSTANT:
      return Constant(given.value());
    case v1::Initializer::UNIFORM:
      return OfUniform(given);
    case v1::Initializer::NORMAL:
      return OfNormal(Kind::kNormal, given);
    case v1::Initializer::TRUNCATED_NORMAL:
      return OfNormal(Kind::kTruncatedNormal, given);
    case v1::Initializer::GLOROT_UNIFORM:
      return OfKind(Kind::kGlorotUniform);
    case v1::Initializer::GLOROT_NORMAL:
      return OfKind(Kind::kGlorotNormal);
    case v1::Initializer::HE_UNIFORM:
      return OfKind(Kind::kHeUniform);
    case v1::Initializer::HE_NORMAL:
      return OfKind(Kind::kHeNormal);
    case v1::Initializer::LECUN_UNIFORM:
      return OfKind(Kind::kLecunUniform);
    case v1::Initializer::LECUN_NORMAL:
      return OfKind(Kind::kLecunNormal);
    case v1::Initializer::ORTHOGONAL:
      return OfKind(Kind::kOrthogonal);
    case v1::Initializer::PYTORCH_DEFAULT:
      return Uniform(1 / std::sqrt(static_cast<double>(fans.in)));
    default:
      return fallback;
  }
}

}  // namespace

InitializerSpec Constant(double value) {
  InitializerSpec spec = OfKind(Kind::kConstant);
  spec.value = value;
  return spec;
}

InitializerSpec Uniform(double limit) {
  InitializerSpec spec = OfKind(Kind::kUniform);
  spec.min = -limit;
  spec.max = limit;
  return spec;
}

InitializerSpec GlorotUniform() { return OfKind(Kind::kGlorotUniform); }

absl::StatusOr<InitializerSpec> Resolve(const v1::Initializer& given, const InitializerSpec& fallback,
                                        const Fans& fans) {
  ASSIGN_OR_RETURN(InitializerSpec spec, ByKind(given, fallback, fans));
  spec.flavour = given.flavour() == v1::Initializer::PYTORCH ? InitializerSpec::Flavour::kPytorch
                                                             : InitializerSpec::Flavour::kKeras;
  if (given.has_gain()) spec.gain = given.gain();
  return spec;
}

}  // namespace beak::network_format
