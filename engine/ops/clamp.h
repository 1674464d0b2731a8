#pragma once

#include <limits>
#include <optional>

#include "engine/graph/graph.h"

namespace beak {

// Bounds within which values are held.
struct Clamp {
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
};

// What the activation of a fused node does (activation, activation_alpha, activation_beta), where that is a clamp:
// Relu, Clip, or nothing at all; nullopt for any other.
std::optional<Clamp> ClampOf(const Node& node);

}  // namespace beak
