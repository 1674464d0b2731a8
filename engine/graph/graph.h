#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/attribute.h"
#include "engine/tensor/tensor.h"

namespace beak {

// Names a value within its graph. Ids stay valid while values are added; Compact() renumbers.
using ValueId = int32_t;
inline constexpr ValueId kNoValue = -1;  // an optional input or output that is left out

// What is known of a value before it is computed.
struct TensorType {
  DType dtype = DType::kFloat32;
  // Absent while shape inference has not reached it.
  std::optional<PartialShape> shape;
};

struct Value {
  std::string name;  // unique in the graph
  TensorType type;
  // The elements, where the value is a constant. A published graph may hold a constant's type and shape with no bytes
  // (Tensor::WithoutBytes): its bytes then live, packed, in the model's ConstantStore.
  std::optional<Tensor> constant;
};

// One application of an operator of the engine's dialect (ONNX semantics, one opset; see ops/op.h).
struct Node {
  std::string name;              // for people: error texts and profiles; need not be unique
  std::string op;                // ONNX operator name
  std::vector<ValueId> inputs;   // kNoValue where an optional input is left out
  std::vector<ValueId> outputs;  // kNoValue where an optional output is not wanted
  AttributeMap attributes;

  // An attribute of the given type, or `fallback` where it is absent. REQUIRES: a verified graph (the type is right).
  template <typename T>
  T Get(const std::string& key, T fallback) const {
    const auto it = attributes.find(key);
    return it == attributes.end() ? std::move(fallback) : std::get<T>(it->second);
  }
  bool Has(const std::string& key) const { return attributes.count(key) != 0; }
};

// A typed dataflow graph in SSA form: every value is a graph input, a constant, or the output of exactly one node, and
// nodes stand in an order in which each value is computed before it is used. A value type; *Thread-compatible*; shared
// as const once it is published.
class Graph {
 public:
  Graph() = default;
  explicit Graph(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  // Values. `name` is made unique by a suffix where it is taken or empty.
  ValueId AddValue(const std::string& name, TensorType type = {});
  ValueId AddConstant(const std::string& name, Tensor tensor);
  ValueId AddInput(const std::string& name, TensorType type);
  void AddOutput(ValueId value) { outputs_.push_back(value); }
  ValueId FindValue(const std::string& name) const;  // kNoValue where there is none

  int num_values() const { return static_cast<int>(values_.size()); }
  const Value& value(ValueId id) const { return values_[id]; }
  // Everything but the name may be changed.
  Value& mutable_value(ValueId id) { return values_[id]; }
  const std::string& NameOfValue(ValueId id) const;  // "" for kNoValue
  // The elements of a constant, null for anything else (kNoValue included).
  const Tensor* ConstantOf(ValueId id) const;

  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  std::vector<ValueId>& mutable_outputs() { return outputs_; }

  // Nodes, in execution order.
  const std::vector<Node>& nodes() const { return nodes_; }
  std::vector<Node>& mutable_nodes() { return nodes_; }
  Node& AddNode(Node node) { return nodes_.emplace_back(std::move(node)); }

  // Where every use of `from` (node inputs and graph outputs) becomes a use of `to`.
  void ReplaceUses(ValueId from, ValueId to);

  // Drops values that nothing refers to (graph inputs stay) and renumbers the rest in order. REQUIRES: ids in range.
  void Compact();

 private:
  std::string UniqueName(const std::string& wanted) const;

  std::string name_;
  std::vector<Value> values_;
  std::map<std::string, ValueId> ids_;  // by name
  std::vector<ValueId> inputs_;
  std::vector<ValueId> outputs_;
  std::vector<Node> nodes_;
};

// Who computes and who reads each value of a graph: a snapshot, stale as soon as the graph changes.
class Uses {
 public:
  static constexpr int kNone = -1;

  explicit Uses(const Graph& graph);

  int producer(ValueId value) const { return producer_[value]; }  // index of a node, or kNone
  const std::vector<int>& consumers(ValueId value) const {
    return consumers_[value];
  }  // a node that reads it twice stands twice
  bool is_output(ValueId value) const { return is_output_[value]; }
  // True when exactly one node input reads it and it is no output of the graph.
  bool single_use(ValueId value) const { return consumers_[value].size() == 1 && !is_output_[value]; }

 private:
  std::vector<int> producer_;
  std::vector<std::vector<int>> consumers_;
  std::vector<bool> is_output_;
};

}  // namespace beak
