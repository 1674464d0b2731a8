#pragma once

#include <cmath>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/reference/activation.h"

namespace beak {

// The slope of an activation: of Relu, Sigmoid and Tanh as a function of their output, of all others of their input.
// Where a function has a corner its slope is that below, as PyTorch has it; beyond the bounds of Clip, and on them, it
// is 0 (a bounded ReLU's).
template <typename T>
using Slope = T (*)(T value, T alpha, T beta);

// By the operator's name; alpha and beta as FindActivation has them, but for Selu: alpha and gamma. UNIMPLEMENTED for a
// name that is none.
template <typename T>
absl::StatusOr<Slope<T>> FindSlope(const std::string& name) {
  struct Named {
    const char* name;
    Slope<T> fn;
  };
  static constexpr Named kAll[] = {
      {"Abs", [](T x, T, T) { return x > T{0}   ? T{1}
                                     : x < T{0} ? T{-1}
                                                : T{0}; }},
      {"Clip", [](T x, T min, T max) { return x > min && x < max ? T{1} : T{0}; }},
      {"Elu", [](T x, T alpha, T) { return x > T{0} ? T{1} : alpha * std::exp(x); }},
      {"HardSigmoid",
       [](T x, T alpha, T beta) {
         const T y = alpha * x + beta;
         return y > T{0} && y < T{1} ? alpha : T{0};
       }},
      {"HardSwish",
       [](T x, T, T) {
         if (x <= T{-3}) return T{0};
         return x >= T{3} ? T{1} : x / T{3} + T{0.5};
       }},
      {"LeakyRelu", [](T x, T alpha, T) { return x > T{0} ? T{1} : alpha; }},
      {"Relu", [](T y, T, T) { return y > T{0} ? T{1} : T{0}; }},
      {"Selu", [](T x, T alpha, T gamma) { return gamma * (x > T{0} ? T{1} : alpha * std::exp(x)); }},
      {"Sigmoid", [](T y, T, T) { return y * (T{1} - y); }},
      {"Softplus", [](T x, T, T) { return Sigmoid(x); }},
      {"Swish",
       [](T x, T, T) {
         const T s = Sigmoid(x);
         return s + x * s * (T{1} - s);
       }},
      {"Tanh", [](T y, T, T) { return T{1} - y * y; }},
  };
  for (const Named& named : kAll) {
    if (name == named.name) return named.fn;
  }
  return absl::UnimplementedError(absl::StrCat("attribute 'activation': expected a known function, got '", name, "'"));
}

}  // namespace beak
