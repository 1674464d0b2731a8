#pragma once

#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace beak {

// The activation functions, for float and double. Written so that a NaN stays one: `x < limit` is false for it.

template <typename T>
T Relu(T x) {
  return x < T{0} ? T{0} : x;
}

template <typename T>
T LeakyRelu(T x, T alpha) {
  return x < T{0} ? alpha * x : x;
}

template <typename T>
T Elu(T x, T alpha) {
  return x < T{0} ? alpha * std::expm1(x) : x;
}

template <typename T>
T Selu(T x, T alpha, T gamma) {
  return gamma * (x < T{0} ? alpha * std::expm1(x) : x);
}

template <typename T>
T Sigmoid(T x) {
  return T{1} / (T{1} + std::exp(-x));
}

// min, then max: where min is above max, everything is max.
template <typename T>
T Clip(T x, T min, T max) {
  const T raised = x < min ? min : x;
  return raised > max ? max : raised;
}

template <typename T>
T HardSigmoid(T x, T alpha, T beta) {
  return Clip<T>(alpha * x + beta, 0, 1);
}

template <typename T>
T HardSwish(T x) {
  return x * HardSigmoid<T>(x, T{1} / T{6}, T{0.5});
}

// log(1 + exp(x)) without its overflow.
template <typename T>
T Softplus(T x) {
  return (x > T{0} ? x : T{0}) + std::log1p(std::exp(x > T{0} ? -x : x));
}

template <typename T>
T Swish(T x) {
  return x * Sigmoid(x);
}

// The activation of a fused node by its attributes (see FusedConv): y = fn(x, alpha, beta).
template <typename T>
using Activation = T (*)(T x, T alpha, T beta);

// UNIMPLEMENTED for a name that is none.
template <typename T>
absl::StatusOr<Activation<T>> FindActivation(const std::string& name) {
  struct Named {
    const char* name;
    Activation<T> fn;
  };
  static constexpr Named kAll[] = {
      {"", [](T x, T, T) { return x; }},
      {"Relu", [](T x, T, T) { return Relu(x); }},
      {"LeakyRelu", [](T x, T alpha, T) { return LeakyRelu(x, alpha); }},
      {"Clip", [](T x, T min, T max) { return Clip(x, min, max); }},
      {"Sigmoid", [](T x, T, T) { return Sigmoid(x); }},
      {"Tanh", [](T x, T, T) { return std::tanh(x); }},
      {"Elu", [](T x, T alpha, T) { return Elu(x, alpha); }},
      {"HardSwish", [](T x, T, T) { return HardSwish(x); }},
      {"HardSigmoid", [](T x, T alpha, T beta) { return HardSigmoid(x, alpha, beta); }},
      {"Softplus", [](T x, T, T) { return Softplus(x); }},
      {"Swish", [](T x, T, T) { return Swish(x); }},
  };
  for (const Named& named : kAll) {
    if (name == named.name) return named.fn;
  }
  return absl::UnimplementedError(absl::StrCat("attribute 'activation': expected a known function, got '", name, "'"));
}

}  // namespace beak
