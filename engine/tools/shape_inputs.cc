#include <algorithm>
#include <string_view>

#include "engine/tools/network.h"

namespace beak::tools {
namespace {

// Operands whose elements decide the shape of an output, or are otherwise read when a program is compiled.
struct ShapeOperand {
  std::string_view op;
  size_t input;
};

constexpr ShapeOperand kShapeOperands[] = {
    {"ConstantOfShape", 0}, {"Dropout", 2},    {"Expand", 1},    {"Pad", 1},     {"Pad", 3},
    {"ReduceMax", 1},       {"ReduceMean", 1}, {"ReduceSum", 1}, {"Reshape", 1}, {"Resize", 1},
    {"Resize", 2},          {"Resize", 3},     {"Slice", 1},     {"Slice", 2},   {"Slice", 3},
    {"Slice", 4},           {"Split", 1},      {"Squeeze", 1},   {"Tile", 1},    {"Unsqueeze", 1},
};

bool DecidesShape(const std::string& op, size_t input) {
  return std::any_of(std::begin(kShapeOperands), std::end(kShapeOperands),
                     [&](const ShapeOperand& operand) { return operand.op == op && operand.input == input; });
}

// Which values decide shapes: backwards from those operands. Of a Shape's input only the shape matters, and that is
// known.
std::vector<bool> ShapeValues(const Graph& graph) {
  std::vector<bool> decides(graph.num_values());
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    const bool all = node->op != "Shape" && std::any_of(node->outputs.begin(), node->outputs.end(),
                                                        [&](ValueId id) { return id != kNoValue && decides[id]; });
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      if (node->inputs[i] != kNoValue && (all || DecidesShape(node->op, i))) decides[node->inputs[i]] = true;
    }
  }
  return decides;
}

}  // namespace

std::vector<std::string> ShapeInputs(const Graph& graph) {
  const std::vector<bool> decides = ShapeValues(graph);
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs()) {
    if (decides[id]) names.push_back(graph.value(id).name);
  }
  return names;
}

Graph FixShapeInputs(const Graph& graph, const std::map<std::string, Tensor>& values) {
  const std::vector<bool> decides = ShapeValues(graph);
  // Value by value in the same order, so that ids stay what they are.
  std::vector<bool> is_input(graph.num_values());
  for (const ValueId id : graph.inputs()) is_input[id] = true;
  Graph fixed(graph.name());
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& value = graph.value(id);
    const auto given = values.find(value.name);
    if (is_input[id] && decides[id] && given != values.end()) {
      fixed.AddConstant(value.name, given->second);
    } else if (is_input[id]) {
      fixed.AddInput(value.name, value.type);
    } else {
      fixed.AddValue(value.name, value.type);
      fixed.mutable_value(id).constant = value.constant;
    }
  }
  for (const Node& node : graph.nodes()) fixed.AddNode(node);
  for (const ValueId id : graph.outputs()) fixed.AddOutput(id);
  return fixed;
}

}  // namespace beak::tools
