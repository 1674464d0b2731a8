#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace beak {

// What several passes need. Header-private to passes/.

// A renaming of values, applied to a whole graph in one walk (so that a pass over n nodes stays O(n)).
class Renaming {
 public:
  explicit Renaming(const Graph& graph) : to_(graph.num_values(), kNoValue) {}
  // From now on `from` means what `to` means. REQUIRES: `to` is defined before `from`.
  void Map(ValueId from, ValueId to) { to_[from] = Resolve(to); }
  ValueId Resolve(ValueId id) const {
    return id != kNoValue && id < static_cast<ValueId>(to_.size()) && to_[id] != kNoValue ? to_[id] : id;
  }
  void Apply(Node& node) const {
    for (ValueId& input : node.inputs) input = Resolve(input);
  }

 private:
  std::vector<ValueId> to_;
};

// The single element of a float32 constant; nullopt for anything else.
std::optional<float> ScalarConstant(const Graph& graph, ValueId id);

// A float32 constant that varies over dimension 1 only of a value of the given rank, as `channels` numbers (a scalar is
// repeated): [C,1,1], [1,C,1,1], [] ... nullopt for anything else.
std::optional<std::vector<float>> ChannelConstant(const Graph& graph, ValueId id, int rank, int64_t channels);

// The activation that a node is, where kernels can fuse it: sets the attributes activation, activation_alpha and
// activation_beta of `fused` and returns true. See ops/op.h's FusedConv.
bool SetActivation(const Graph& graph, const Node& activation, Node& fused);

// The one node that reads `value`, if there is one, or Uses::kNone.
int OnlyConsumer(const Uses& uses, ValueId value);

// What Add adds to `value`, where that is computed too and has its shape; kNoValue otherwise.
ValueId ResidualOf(const Graph& graph, const Node& add, ValueId value);

// Takes a node out whose `output` nobody reads any more: it stays as something that is dead.
void Bury(Node& node, ValueId input, ValueId output);

}  // namespace beak
