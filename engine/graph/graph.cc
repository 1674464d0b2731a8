#include "engine/graph/graph.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

void RenumberAll(std::vector<ValueId>& ids, const std::vector<ValueId>& renumbered) {
  for (ValueId& id : ids) {
    if (id != kNoValue) id = renumbered[id];
  }
}

}  // namespace

ValueId Graph::AddValue(const std::string& name, TensorType type) {
  const ValueId id = static_cast<ValueId>(values_.size());
  std::string unique = UniqueName(name);
  ids_.emplace(unique, id);
  values_.push_back({std::move(unique), std::move(type), std::nullopt});
  return id;
}

ValueId Graph::AddConstant(const std::string& name, Tensor tensor) {
  const ValueId id = AddValue(name, {tensor.dtype(), ToPartial(tensor.shape())});
  values_[id].constant = std::move(tensor);
  return id;
}

ValueId Graph::AddInput(const std::string& name, TensorType type) {
  const ValueId id = AddValue(name, std::move(type));
  inputs_.push_back(id);
  return id;
}

ValueId Graph::FindValue(const std::string& name) const {
  const auto it = ids_.find(name);
  return it == ids_.end() ? kNoValue : it->second;
}

const std::string& Graph::NameOfValue(ValueId id) const {
  static const std::string* const none = new std::string();
  return id == kNoValue ? *none : values_[id].name;
}

const Tensor* Graph::ConstantOf(ValueId id) const {
  if (id == kNoValue || !values_[id].constant || !values_[id].constant->has_bytes()) return nullptr;
  return &*values_[id].constant;
}

void Graph::ReplaceUses(ValueId from, ValueId to) {
  for (Node& node : nodes_) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  std::replace(outputs_.begin(), outputs_.end(), from, to);
}

void Graph::Compact() {
  std::vector<bool> used(values_.size());
  const auto mark = [&used](const std::vector<ValueId>& ids) {
    for (const ValueId id : ids) {
      if (id != kNoValue) used[id] = true;
    }
  };
  mark(inputs_);
  mark(outputs_);
  for (const Node& node : nodes_) {
    mark(node.inputs);
    mark(node.outputs);
  }

  std::vector<ValueId> renumbered(values_.size(), kNoValue);
  std::vector<Value> kept;
  ids_.clear();
  for (size_t id = 0; id < values_.size(); ++id) {
    if (!used[id]) continue;
    renumbered[id] = static_cast<ValueId>(kept.size());
    ids_.emplace(values_[id].name, renumbered[id]);
    kept.push_back(std::move(values_[id]));
  }
  values_ = std::move(kept);

  RenumberAll(inputs_, renumbered);
  RenumberAll(outputs_, renumbered);
  for (Node& node : nodes_) {
    RenumberAll(node.inputs, renumbered);
    RenumberAll(node.outputs, renumbered);
  }
}

std::string Graph::UniqueName(const std::string& wanted) const {
  if (!wanted.empty() && ids_.count(wanted) == 0) return wanted;
  // Counting from the number of values keeps thousands of equal names from being tried one after the other.
  for (size_t suffix = values_.size();; ++suffix) {
    std::string name = absl::StrCat(wanted.empty() ? "value" : wanted, "_", suffix);
    if (ids_.count(name) == 0) return name;
  }
}

Uses::Uses(const Graph& graph)
    : producer_(graph.num_values(), kNone), consumers_(graph.num_values()), is_output_(graph.num_values()) {
  const std::vector<Node>& nodes = graph.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const ValueId id : nodes[i].inputs) {
      if (id != kNoValue) consumers_[id].push_back(static_cast<int>(i));
    }
    for (const ValueId id : nodes[i].outputs) {
      if (id != kNoValue) producer_[id] = static_cast<int>(i);
    }
  }
  for (const ValueId id : graph.outputs()) is_output_[id] = true;
}

}  // namespace beak
