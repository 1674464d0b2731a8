#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/status.h"
#include "engine/graph/graph.h"

namespace beak::onnx_format {

// One node on its way from an ONNX file into the dialect. A normaliser edits `node` in place; what remains of it
// afterwards, attributes included, is checked against the engine's operator table. *Thread-compatible.*
class Translation {
 public:
  // `read` says of every value of the file whether a node or an output of the graph reads it.
  Translation(Graph& graph, Node n, int opset, const std::vector<bool>& read)
      : node(std::move(n)), graph_(graph), opset_(opset), read_(read) {}

  Node node;

  // The version of the default operator set that the model declares.
  int opset() const { return opset_; }

  bool HasInput(size_t i) const { return i < node.inputs.size() && node.inputs[i] != kNoValue; }
  bool HasOutput(size_t i) const { return i < node.outputs.size() && node.outputs[i] != kNoValue; }
  // The elements of input i; null where it is left out or no constant.
  const Tensor* ConstantInput(size_t i) const;
  // The element type of input i. REQUIRES: HasInput(i)
  DType InputType(size_t i) const { return graph_.value(node.inputs[i]).type.dtype; }
  // True when input i is left out, or is a tensor that is known to have no elements: how opset 11 leaves out.
  bool InputIsEmpty(size_t i) const;

  // Leaves out the outputs after the first that nothing in the file reads: exporters name optional outputs as a habit.
  void LeaveOutUnreadOutputs();
  // INVALID_ARGUMENT when the file gives more inputs than this version of the operator has.
  absl::Status ExpectInputs(size_t at_most) const;
  // Makes `value` input i; inputs between are left out.
  void SetInput(size_t i, ValueId value);
  // A constant of the graph named after the node.
  ValueId AddConstant(const std::string& what, Tensor tensor);
  // Puts a node before this one and returns its only output.
  ValueId EmitBefore(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes = {});

  // Takes an attribute out of the node: nullopt where it is absent, INVALID_ARGUMENT where it has another type.
  template <typename T>
  absl::StatusOr<std::optional<T>> Take(const std::string& name);
  void Drop(const std::string& name) { node.attributes.erase(name); }
  // Turns a list of integers that used to be an attribute into the int64 tensor that is input i today.
  absl::Status IntsToInput(const std::string& name, size_t i);

 private:
  Graph& graph_;
  const int opset_;
  const std::vector<bool>& read_;
};

// The element type of a node's output as far as it follows without shapes: enough for normalisers that must make a
// constant of the same type as a value. Shape inference says the last word.
DType OutputType(const Graph& graph, const Node& node, size_t output);

template <typename T>
absl::StatusOr<std::optional<T>> Translation::Take(const std::string& name) {
  const auto it = node.attributes.find(name);
  if (it == node.attributes.end()) return std::optional<T>();
  T* value = std::get_if<T>(&it->second);
  if (value == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("attribute '", name, "': expected ", NameOf(TypeOf(Attribute(T()))),
                                                   ", got ", NameOf(TypeOf(it->second))));
  }
  std::optional<T> taken = std::move(*value);
  node.attributes.erase(it);
  return taken;
}

}  // namespace beak::onnx_format
