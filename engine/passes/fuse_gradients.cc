#include <algorithm>

#include "engine/ops/clamp.h"
#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

// What training computes and its gradient are memory-bound for the most part: each pass over a tensor that is saved
// counts.

namespace beak {
namespace {

constexpr size_t kX = 0;                         // of batch normalisations and their gradients: what is normalised
constexpr size_t kDy = 1, kMean = 3, kBias = 5;  // other inputs of the gradients

// The attributes that describe an activation.
void CopyActivation(const Node& from, Node& to) {
  for (const char* name : {"activation", "activation_alpha", "activation_beta"}) {
    const auto found = from.attributes.find(name);
    if (found != from.attributes.end()) to.attributes[name] = found->second;
  }
}

bool SameActivation(const Node& a, const Node& b) {
  return a.Get<std::string>("activation", "") == b.Get<std::string>("activation", "") &&
         a.Get("activation_alpha", 0.0f) == b.Get("activation_alpha", 0.0f) &&
         a.Get("activation_beta", 0.0f) == b.Get("activation_beta", 0.0f);
}

// The nodes around one BatchNormalizationTraining, by index; kNone where there is no such.
struct NormNeighbours {
  int add = Uses::kNone;         // of a residual to its result
  int activation = Uses::kNone;  // behind that
  int gradient = Uses::kNone;    // of the norm
  int slope = Uses::kNone;       // the ActivationGradient whose result nothing but that reads
};

class NormFusion {
 public:
  explicit NormFusion(Graph& graph) : graph_(graph), uses_(graph) {}

  void Run() {
    for (int i = 0; i < static_cast<int>(graph_.nodes().size()); ++i) {
      const Node& node = graph_.nodes()[i];
      if (node.op != "BatchNormalizationTraining" || node.Has("activation")) continue;
      if (graph_.value(node.outputs[0]).type.dtype == DType::kFloat32) Fuse(i);
    }
  }

 private:
  const Node& node(int i) const { return graph_.nodes()[i]; }

  int ConsumerWhere(ValueId value, const auto& holds) const {
    for (const int consumer : uses_.consumers(value)) {
      if (holds(node(consumer))) return consumer;
    }
    return Uses::kNone;
  }

  // Fills `activation` with the attributes of the one that was found.
  NormNeighbours Look(const Node& norm, Node& activation) const {
    NormNeighbours found;
    ValueId result = norm.outputs[0];
    const int next = OnlyConsumer(uses_, result);
    if (next != Uses::kNone && node(next).op == "Add" && ResidualOf(graph_, node(next), result) != kNoValue) {
      found.add = next;
      result = node(next).outputs[0];
    }
    found.activation = ConsumerWhere(result, [&](const Node& one) {
      return one.inputs[0] == result && SetActivation(graph_, one, activation) && ClampOf(activation);
    });
    found.gradient = ConsumerWhere(norm.inputs[kX], [&](const Node& one) {
      return one.op == "BatchNormalizationGradient" && one.inputs[kX] == norm.inputs[kX] &&
             one.inputs[kMean] == norm.outputs[1] && one.inputs.size() <= kBias;
    });
    if (found.gradient == Uses::kNone || found.activation == Uses::kNone || found.add != Uses::kNone) return found;
    const ValueId dy = node(found.gradient).inputs[kDy];
    const int slope = uses_.producer(dy);
    // A ReLU's slope is known by its result, others' by what they are given.
    const ValueId known_by =
        activation.Get<std::string>("activation", "") == "Relu" ? node(found.activation).outputs[0] : result;
    if (slope == Uses::kNone || !uses_.single_use(dy)) return found;
    if (node(slope).op != "ActivationGradient" || node(slope).inputs[1] != known_by) return found;
    if (SameActivation(node(slope), activation)) found.slope = slope;
    return found;
  }

  void Fuse(int i) {
    Node activation;
    const NormNeighbours found = Look(node(i), activation);
    if (found.activation == Uses::kNone) return;
    const ValueId result = node(found.activation).inputs[0];
    const size_t others = found.slope == Uses::kNone || node(found.slope).inputs[1] != result ? 0 : 1;
    const bool alone = uses_.consumers(result).size() == 1 + others && !uses_.is_output(result) &&
                       !AnyReaderBefore(found.activation, node(i));
    if (found.slope != Uses::kNone && (others == 0 || alone)) FuseGradient(i, found, activation);
    if (alone) FuseForward(i, found, activation);
  }

  // Whether a node before `position` reads the mean or the variance of a norm.
  bool AnyReaderBefore(int position, const Node& norm) const {
    return std::any_of(norm.outputs.begin() + 1, norm.outputs.end(), [&](ValueId output) {
      if (output == kNoValue) return false;
      const std::vector<int>& readers = uses_.consumers(output);
      return std::any_of(readers.begin(), readers.end(), [&](int reader) { return reader < position; });
    });
  }

  void FuseGradient(int i, const NormNeighbours& found, const Node& activation) {
    Node& gradient = graph_.mutable_nodes()[found.gradient];
    gradient.inputs[kDy] = node(found.slope).inputs[0];
    gradient.inputs.resize(kBias, kNoValue);
    gradient.inputs.push_back(node(i).inputs[2]);
    CopyActivation(activation, gradient);
  }

  // The fused node stands where the activation stood: the residual is computed by then.
  void FuseForward(int i, const NormNeighbours& found, const Node& activation) {
    std::vector<Node>& nodes = graph_.mutable_nodes();
    Node fused = nodes[i];
    CopyActivation(activation, fused);
    if (found.add != Uses::kNone) {
      fused.inputs.push_back(ResidualOf(graph_, nodes[found.add], fused.outputs[0]));
    }
    // What the parts gave nobody reads any more.
    for (const int part : {i, found.add}) {
      if (part != Uses::kNone) Bury(nodes[part], fused.inputs[kX], nodes[part].outputs[0]);
    }
    fused.outputs[0] = nodes[found.activation].outputs[0];
    nodes[found.activation] = std::move(fused);
  }

  Graph& graph_;
  const Uses uses_;
};

// A ReLU before a max pool: the pool's gradient goes to nothing but its largest elements, which tell the slope.
void FusePool(Graph& graph, const Uses& uses, int slope) {
  std::vector<Node>& nodes = graph.mutable_nodes();
  if (nodes[slope].op != "ActivationGradient" || nodes[slope].Get<std::string>("activation", "") != "Relu") return;
  const auto [dy, y] = std::pair(nodes[slope].inputs[0], nodes[slope].inputs[1]);
  const int pool = uses.producer(dy);
  if (pool == Uses::kNone || nodes[pool].op != "MaxPoolGradient" || nodes[pool].inputs[0] != y) return;
  if (!uses.single_use(dy)) return;
  Node fused = nodes[pool];
  fused.attributes["activation"] = std::string("Relu");
  fused.outputs = nodes[slope].outputs;
  Bury(nodes[pool], y, dy);
  nodes[slope] = std::move(fused);
}

}  // namespace

absl::Status FuseGradients(Graph& graph, const Evaluator&) {
  NormFusion(graph).Run();
  const Uses uses(graph);
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) FusePool(graph, uses, i);
  return absl::OkStatus();
}

}  // namespace beak
