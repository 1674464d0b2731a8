#include "engine/ops/clamp.h"

#include <string>

namespace beak {

std::optional<Clamp> ClampOf(const Node& node) {
  const std::string activation = node.Get<std::string>("activation", "");
  if (activation.empty()) return Clamp();
  if (activation == "Relu") return Clamp{.lower = 0};
  if (activation != "Clip") return std::nullopt;
  return Clamp{node.Get("activation_alpha", 0.0f), node.Get("activation_beta", 0.0f)};
}

}  // namespace beak
