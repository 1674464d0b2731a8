#include "engine/formats/onnx/translation.h"

#include <algorithm>

namespace beak::onnx_format {

const Tensor* Translation::ConstantInput(size_t i) const {
  return HasInput(i) ? graph_.ConstantOf(node.inputs[i]) : nullptr;
}

bool Translation::InputIsEmpty(size_t i) const {
  if (!HasInput(i)) return true;
  const std::optional<PartialShape>& shape = graph_.value(node.inputs[i]).type.shape;
  if (!shape) return false;
  return std::any_of(shape->begin(), shape->end(), [](const Dim& dim) { return dim.known() && dim.value() == 0; });
}

void Translation::LeaveOutUnreadOutputs() {
  for (size_t i = 1; i < node.outputs.size(); ++i) {
    if (HasOutput(i) && !read_[node.outputs[i]]) node.outputs[i] = kNoValue;
  }
  while (node.outputs.size() > 1 && node.outputs.back() == kNoValue) node.outputs.pop_back();
}

absl::Status Translation::ExpectInputs(size_t at_most) const {
  if (node.inputs.size() <= at_most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("inputs: expected at most ", at_most, " in opset ", opset_, ", got ", node.inputs.size()));
}

void Translation::SetInput(size_t i, ValueId value) {
  if (node.inputs.size() <= i) node.inputs.resize(i + 1, kNoValue);
  node.inputs[i] = value;
}

ValueId Translation::AddConstant(const std::string& what, Tensor tensor) {
  return graph_.AddConstant(absl::StrCat(node.name, ".", what), std::move(tensor));
}

ValueId Translation::EmitBefore(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes) {
  Node before{absl::StrCat(node.name, ".", op), op, std::move(inputs), {}, std::move(attributes)};
  const DType dtype = OutputType(graph_, before, 0);
  const ValueId output = graph_.AddValue(before.name, {dtype, std::nullopt});
  before.outputs.push_back(output);
  graph_.AddNode(std::move(before));
  return output;
}

absl::Status Translation::IntsToInput(const std::string& name, size_t i) {
  ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> ints, Take<std::vector<int64_t>>(name));
  if (!ints) return absl::OkStatus();
  SetInput(i, AddConstant(name, Tensor::Of<int64_t>({static_cast<int64_t>(ints->size())}, *ints)));
  return absl::OkStatus();
}

DType OutputType(const Graph& graph, const Node& node, size_t output) {
  if (node.op == "Shape" || node.op == "ArgMax" || (node.op == "MaxPool" && output == 1)) return DType::kInt64;
  if (node.op == "Equal" || (node.op == "Dropout" && output == 1)) return DType::kBool;
  if (node.op == "Cast") return ParseDType(node.Get<std::string>("to", "float32")).value_or(DType::kFloat32);
  if (node.op == "ConstantOfShape") {
    const auto it = node.attributes.find("value");
    const Tensor* value = it == node.attributes.end() ? nullptr : std::get_if<Tensor>(&it->second);
    return value == nullptr ? DType::kFloat32 : value->dtype();
  }
  const size_t input = node.op == "Where" ? 1 : 0;
  if (input >= node.inputs.size() || node.inputs[input] == kNoValue) return DType::kFloat32;
  return graph.value(node.inputs[input]).type.dtype;
}

}  // namespace beak::onnx_format
