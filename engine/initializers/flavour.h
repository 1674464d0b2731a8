#pragma once

namespace beak {

// Whose defaults and formulas are meant where PyTorch and Keras (3; TensorFlow 2's for the most part) differ under the
// same name.
enum class Flavour { kPyTorch, kKeras };

// "pytorch", "keras".
constexpr const char* NameOf(Flavour flavour) { return flavour == Flavour::kPyTorch ? "pytorch" : "keras"; }

}  // namespace beak
