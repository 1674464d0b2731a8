#include "engine/passes/rewrite.h"

#include <limits>

namespace beak {

std::optional<float> ScalarConstant(const Graph& graph, ValueId id) {
  const Tensor* constant = graph.ConstantOf(id);
  if (constant == nullptr || !constant->has_bytes() || constant->dtype() != DType::kFloat32) return std::nullopt;
  if (constant->num_elements() != 1) return std::nullopt;
  return constant->values<float>()[0];
}

std::optional<std::vector<float>> ChannelConstant(const Graph& graph, ValueId id, int rank, int64_t channels) {
  if (const std::optional<float> scalar = ScalarConstant(graph, id)) {
    if (graph.ConstantOf(id)->rank() > rank) return std::nullopt;
    return std::vector<float>(static_cast<size_t>(channels), *scalar);
  }
  const Tensor* constant = graph.ConstantOf(id);
  if (constant == nullptr || !constant->has_bytes() || constant->dtype() != DType::kFloat32) return std::nullopt;
  if (constant->rank() > rank || constant->num_elements() != channels) return std::nullopt;
  const int axis = 1 - (rank - constant->rank());  // of the channels, in the constant's own shape
  if (axis < 0 || axis >= constant->rank() || constant->shape()[axis] != channels) return std::nullopt;
  const auto values = constant->values<float>();
  return std::vector<float>(values.begin(), values.end());
}

namespace {

bool SameShape(const Graph& graph, ValueId a, ValueId b) {
  const auto& left = graph.value(a).type.shape;
  const auto& right = graph.value(b).type.shape;
  if (!left || !right || left->size() != right->size()) return false;
  for (size_t i = 0; i < left->size(); ++i) {
    if (!(*left)[i].Same((*right)[i])) return false;
  }
  return true;
}

}  // namespace

bool SetActivation(const Graph& graph, const Node& activation, Node& fused) {
  const auto set = [&](float alpha, float beta) {
    fused.attributes["activation"] = activation.op;
    fused.attributes["activation_alpha"] = alpha;
    fused.attributes["activation_beta"] = beta;
    return true;
  };
  const std::string& op = activation.op;
  if (op == "Relu" || op == "Sigmoid" || op == "Tanh" || op == "HardSwish" || op == "Softplus" || op == "Swish") {
    return set(0, 0);
  }
  if (op == "LeakyRelu") return set(activation.Get<float>("alpha", 0.01f), 0);
  if (op == "Elu") return set(activation.Get<float>("alpha", 1.0f), 0);
  if (op != "Clip") return false;
  float bounds[2] = {std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
  for (size_t i = 1; i < activation.inputs.size(); ++i) {
    if (activation.inputs[i] == kNoValue) continue;
    const std::optional<float> bound = ScalarConstant(graph, activation.inputs[i]);
    if (!bound) return false;
    bounds[i - 1] = *bound;
  }
  return set(bounds[0], bounds[1]);
}

int OnlyConsumer(const Uses& uses, ValueId value) {
  return uses.single_use(value) ? uses.consumers(value)[0] : Uses::kNone;
}

ValueId ResidualOf(const Graph& graph, const Node& add, ValueId value) {
  const ValueId residual = add.inputs[0] == value ? add.inputs[1] : add.inputs[0];
  const bool computed = residual != value && graph.ConstantOf(residual) == nullptr;
  return computed && SameShape(graph, residual, value) ? residual : kNoValue;
}

void Bury(Node& node, ValueId input, ValueId output) { node = {"", "Identity", {input}, {output}, {}}; }

}  // namespace beak
