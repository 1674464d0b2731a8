#include "engine/train/optimizer_options.h"

#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "engine/base/field_errors.h"

namespace beak {
namespace {

using Kind = OptimizerKind;

// A number of the options: where it may lie, and who has a use for it.
struct NumberField {
  const char* name;
  double OptimizerOptions::*member;
  double low;
  double high;
  const char* range;
  std::initializer_list<Kind> kinds;
  bool pytorch_only = false;
};

// Numbers have to stay finite as float32, and an epsilon above zero even where it stands under a root.
constexpr double kHuge = 1e30;
constexpr double kTiny = 1e-30;
constexpr double kBelowOne = 1 - 0x1p-53;
constexpr const char* kNotNegative = "a number in [0, 1e30]";
constexpr const char* kFraction = "a number in [0, 1)";

const NumberField kNumbers[] = {
    {"learning_rate",
     &OptimizerOptions::learning_rate,
     0,
     kHuge,
     kNotNegative,
     {Kind::kSgd, Kind::kAdagrad, Kind::kRmsProp, Kind::kAdam, Kind::kAdamW, Kind::kAdadelta}},
    {"momentum", &OptimizerOptions::momentum, 0, kBelowOne, kFraction, {Kind::kSgd, Kind::kRmsProp}},
    {"dampening", &OptimizerOptions::dampening, 0, 1, "a number in [0, 1]", {Kind::kSgd}, true},
    {"rho", &OptimizerOptions::rho, 0, kBelowOne, kFraction, {Kind::kRmsProp, Kind::kAdadelta}},
    {"beta1", &OptimizerOptions::beta1, 0, kBelowOne, kFraction, {Kind::kAdam, Kind::kAdamW}},
    {"beta2", &OptimizerOptions::beta2, 0, kBelowOne, kFraction, {Kind::kAdam, Kind::kAdamW}},
    {"epsilon",
     &OptimizerOptions::epsilon,
     kTiny,
     kHuge,
     "a number in [1e-30, 1e30]",
     {Kind::kAdagrad, Kind::kRmsProp, Kind::kAdam, Kind::kAdamW, Kind::kAdadelta}},
    {"learning_rate_decay", &OptimizerOptions::learning_rate_decay, 0, kHuge, kNotNegative, {Kind::kAdagrad}, true},
    {"initial_accumulator", &OptimizerOptions::initial_accumulator, 0, kHuge, kNotNegative, {Kind::kAdagrad}},
    {"weight_decay",
     &OptimizerOptions::weight_decay,
     0,
     kHuge,
     kNotNegative,
     {Kind::kSgd, Kind::kAdagrad, Kind::kRmsProp, Kind::kAdam, Kind::kAdamW, Kind::kAdadelta}},
};

struct FlagField {
  const char* name;
  bool OptimizerOptions::*member;
  std::initializer_list<Kind> kinds;
};

const FlagField kFlags[] = {
    {"nesterov", &OptimizerOptions::nesterov, {Kind::kSgd}},
    {"centered", &OptimizerOptions::centered, {Kind::kRmsProp}},
    {"amsgrad", &OptimizerOptions::amsgrad, {Kind::kAdam, Kind::kAdamW}},
};

bool Contains(std::initializer_list<Kind> kinds, Kind kind) {
  for (const Kind candidate : kinds) {
    if (candidate == kind) return true;
  }
  return false;
}

OptimizerOptions PyTorchDefaults(Kind kind) {
  OptimizerOptions options = {.flavour = Flavour::kPyTorch, .kind = kind};
  switch (kind) {
    case Kind::kSgd:
      options.learning_rate = 1e-3;
      break;
    case Kind::kAdagrad:
      options.learning_rate = 1e-2;
      options.epsilon = 1e-10;
      break;
    case Kind::kRmsProp:
      options.learning_rate = 1e-2;
      options.rho = 0.99;
      options.epsilon = 1e-8;
      break;
    case Kind::kAdamW:
      options.weight_decay = 1e-2;
      [[fallthrough]];
    case Kind::kAdam:
      options.learning_rate = 1e-3;
      options.beta1 = 0.9;
      options.beta2 = 0.999;
      options.epsilon = 1e-8;
      break;
    case Kind::kAdadelta:
      options.learning_rate = 1;
      options.rho = 0.9;
      options.epsilon = 1e-6;
      break;
  }
  return options;
}

OptimizerOptions KerasDefaults(Kind kind) {
  OptimizerOptions options = {.flavour = Flavour::kKeras, .kind = kind};
  options.learning_rate = kind == Kind::kSgd ? 1e-2 : 1e-3;
  if (kind != Kind::kSgd) options.epsilon = 1e-7;
  if (kind == Kind::kAdagrad) options.initial_accumulator = 0.1;
  if (kind == Kind::kRmsProp) options.rho = 0.9;
  if (kind == Kind::kAdadelta) options.rho = 0.95;
  if (kind == Kind::kAdam || kind == Kind::kAdamW) {
    options.beta1 = 0.9;
    options.beta2 = 0.999;
  }
  if (kind == Kind::kAdamW) options.weight_decay = 4e-3;
  return options;
}

}  // namespace

const char* NameOf(OptimizerKind kind) {
  switch (kind) {
    case Kind::kSgd:
      return "sgd";
    case Kind::kAdagrad:
      return "adagrad";
    case Kind::kRmsProp:
      return "rmsprop";
    case Kind::kAdam:
      return "adam";
    case Kind::kAdamW:
      return "adamw";
    case Kind::kAdadelta:
      break;
  }
  return "adadelta";
}

OptimizerOptions DefaultOptions(Flavour flavour, OptimizerKind kind) {
  return flavour == Flavour::kPyTorch ? PyTorchDefaults(kind) : KerasDefaults(kind);
}

std::vector<std::string> Validate(const OptimizerOptions& options) {
  FieldErrors errors;
  const std::string owner = absl::StrCat(NameOf(options.flavour), "'s ", NameOf(options.kind));
  const std::string zero = absl::StrCat("0 for ", owner);
  for (const NumberField& field : kNumbers) {
    const double value = options.*field.member;
    if (Contains(field.kinds, options.kind) && !(field.pytorch_only && options.flavour == Flavour::kKeras)) {
      errors.ExpectIn(value, field.low, field.high, field.name, field.range);
    } else {
      errors.Expect(value == 0, field.name, zero.c_str(), value);
    }
  }
  const std::string off = absl::StrCat("false for ", owner);
  for (const FlagField& field : kFlags) {
    const bool used = Contains(field.kinds, options.kind);
    errors.Expect(used || !(options.*field.member), field.name, off.c_str(), "true");
  }
  if (options.kind == Kind::kSgd && options.nesterov) {
    errors.Expect(options.momentum > 0, "nesterov", "false without momentum", "true");
    errors.Expect(options.dampening == 0, "nesterov", "false with dampening", "true");
  }
  return errors.Take();
}

bool DecouplesWeightDecay(const OptimizerOptions& options) {
  return options.flavour == Flavour::kKeras || options.kind == Kind::kAdamW;
}

}  // namespace beak
