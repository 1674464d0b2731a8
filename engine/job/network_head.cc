#include "engine/job/network_head.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/job/graph_parameters.h"
#include "engine/ops/op.h"

namespace beak {
namespace {

// What may stand between the head and the output and reads one value that matters.
constexpr std::array<std::string_view, 28> kUnary = {
    "AveragePool",   "Cast",        "Clip",      "Dropout",  "Elu",       "Flatten",    "GlobalAveragePool",
    "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "LogSoftmax", "MaxPool",
    "ReduceMax",     "ReduceMean",  "ReduceSum", "Relu",     "Reshape",   "Resize",     "Selu",
    "Sigmoid",       "Softmax",     "Softplus",  "Squeeze",  "Tanh",      "Transpose",  "Unsqueeze"};
constexpr std::array<std::string_view, 4> kArithmetic = {"Add", "Div", "Mul", "Sub"};
constexpr std::array<std::string_view, 4> kHeads = {"Conv", "ConvTranspose", "Gemm", "MatMul"};

template <size_t N>
bool IsOneOf(const std::string& op, const std::array<std::string_view, N>& ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

absl::Status WrongNode(const Node& node, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("node '", node.name, "' (", node.op, "): ", what));
}

class HeadReplacer {
 public:
  HeadReplacer(int64_t units, uint64_t seed, Graph& graph) : units_(units), seed_(seed), graph_(graph), uses_(graph) {}

  absl::StatusOr<std::set<std::string>> Replace() {
    if (graph_.outputs().size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a network with one output, got ", graph_.outputs().size()));
    }
    RETURN_IF_ERROR(FindHead());
    RETURN_IF_ERROR(MeasureHead());
    RETURN_IF_ERROR(FollowBehind());
    RETURN_IF_ERROR(ReplaceWeights());
    RETURN_IF_ERROR(InferShapes(graph_));
    RETURN_IF_ERROR(CheckOutput());
    return std::move(fresh_);
  }

 private:
  Node& node(int index) { return graph_.mutable_nodes()[index]; }

  // ---------------------------------------------------------------- the way from the output back to the head

  absl::Status FindHead() {
    for (ValueId value = graph_.outputs()[0];;) {
      head_ = uses_.producer(value);
      if (head_ == Uses::kNone) {
        return absl::InvalidArgumentError(
            absl::StrCat("expected a Conv, ConvTranspose, Gemm or MatMul before the output, got '",
                         graph_.value(value).name, "', which no node computes"));
      }
      if (IsOneOf(node(head_).op, kHeads)) return absl::OkStatus();
      behind_.push_back(head_);
      ASSIGN_OR_RETURN(value, SourceOf(node(head_)));
    }
  }

  // The value that a node behind the head passes on.
  absl::StatusOr<ValueId> SourceOf(const Node& from) const {
    if (IsOneOf(from.op, kUnary) || from.op == "BatchNormalization" || from.op == "PRelu") return from.inputs[0];
    if (IsOneOf(from.op, kArithmetic)) {
      const bool first = graph_.ConstantOf(from.inputs[0]) != nullptr;
      if (first != (graph_.ConstantOf(from.inputs[1]) != nullptr)) return from.inputs[first ? 1 : 0];
    }
    return WrongNode(from,
                     "expected the head, or an activation, a pool, a normalisation, arithmetic with a constant or "
                     "another shape behind it");
  }

  // How many outputs it has, and which dimension of its result counts them.
  absl::Status MeasureHead() {
    const Node& head = node(head_);
    const std::optional<WeightGeometry> weights = head.inputs.size() > 1 ? WeightsOf(graph_, head, 1) : std::nullopt;
    if (!weights) return WrongNode(head, "expected constant weights");
    if (weights->groups != 1 || weights->role == WeightRole::kDepthwise) {
      return WrongNode(head, "expected a layer without groups");
    }
    const std::optional<PartialShape>& result = graph_.value(head.outputs[0]).type.shape;
    if (!result || result->size() < 2) return WrongNode(head, "expected a result [batch, outputs, ...]");
    geometry_ = *weights;
    old_ = weights->out;
    axes_.push_back(head.op == "MatMul" ? static_cast<int>(result->size()) - 1 : 1);
    return absl::OkStatus();
  }

  // ---------------------------------------------------------------- what is behind the head

  absl::Status FollowBehind() {
    std::reverse(behind_.begin(), behind_.end());
    for (const int index : behind_) {
      ASSIGN_OR_RETURN(const int axis, AxisBehind(node(index)));
      RETURN_IF_ERROR(FollowNode(index, axis));
      axes_.push_back(axis);
    }
    return absl::OkStatus();
  }

  // The dimension of a node's result that counts the head's outputs.
  absl::StatusOr<int> AxisBehind(const Node& from) const {
    const std::optional<PartialShape>& shape = graph_.value(from.outputs[0]).type.shape;
    const auto counts = [&](size_t axis) {
      return axis < shape->size() && (*shape)[axis].known() && (*shape)[axis].value() == old_;
    };
    if (shape && from.op == "Transpose") return Transposed(from, static_cast<int>(shape->size()));
    if (shape && counts(static_cast<size_t>(axes_.back()))) return axes_.back();
    for (size_t axis = 1; shape && axis < shape->size(); ++axis) {
      if (counts(axis)) return static_cast<int>(axis);
    }
    return WrongNode(from, absl::StrCat("expected a dimension with the head's ", old_, " outputs, got ",
                                        shape ? ToString(*shape) : "an unknown shape"));
  }

  int Transposed(const Node& from, int rank) const {
    const std::vector<int64_t> perm = from.Get<std::vector<int64_t>>("perm", {});
    const auto place = std::find(perm.begin(), perm.end(), axes_.back());
    return place == perm.end() ? rank - 1 - axes_.back() : static_cast<int>(place - perm.begin());
  }

  absl::Status FollowNode(int index, int axis) {
    const std::string& op = node(index).op;
    if (op == "Reshape") return FollowSizes(index, 1, axis);
    if (op == "Resize") return FollowSizes(index, 3, axis);
    const bool norm = op == "BatchNormalization";
    if (!norm && op != "PRelu" && !IsOneOf(op, kArithmetic)) return absl::OkStatus();
    for (size_t i = 0; i < node(index).inputs.size(); ++i) {
      if (graph_.ConstantOf(node(index).inputs[i]) != nullptr) RETURN_IF_ERROR(FollowConstant(index, i, axis));
    }
    return absl::OkStatus();
  }

  // A list of sizes that has the old number where the result has it.
  absl::Status FollowSizes(int index, size_t input, int axis) {
    if (input >= node(index).inputs.size()) return absl::OkStatus();
    const Tensor* constant = graph_.ConstantOf(node(index).inputs[input]);
    if (constant == nullptr) return absl::OkStatus();  // left out, or computed from shapes
    ASSIGN_OR_RETURN(std::vector<int64_t> sizes, ToInt64s(*constant));
    if (static_cast<size_t>(axis) >= sizes.size() || sizes[axis] != old_) return absl::OkStatus();
    sizes[axis] = units_;
    SetConstant(index, input, Tensor::Of<int64_t>(constant->shape(), sizes));
    return absl::OkStatus();
  }

  // A bias, scale, slope or statistic, which is one for all outputs or one each.
  absl::Status FollowConstant(int index, size_t input, int axis) {
    const Tensor constant = *graph_.ConstantOf(node(index).inputs[input]);
    const bool norm = node(index).op == "BatchNormalization";
    const int rank = static_cast<int>(graph_.value(node(index).outputs[0]).type.shape->size());
    // Of arithmetic, dimensions are counted from the end; a slope has none for the batch, or broadcasts as well.
    const int own_axis = norm ? 0 : axis - (rank - constant.rank());
    const bool one_each = own_axis >= 0 && own_axis < constant.rank() && constant.shape()[own_axis] == old_;
    const bool bias = norm || node(index).op == "Add";
    if (!one_each || (old_ == 1 && !bias)) return absl::OkStatus();
    if (constant.dtype() != DType::kFloat32) return WrongNode(node(index), "expected constants of float32");
    Shape shape = constant.shape();
    shape[own_axis] = units_;
    return SetFilled(index, input, std::move(shape));
  }

  // 0 for what is added, 1 for what is multiplied with, and so on: as if it were not there.
  absl::Status SetFilled(int index, size_t input, Shape shape) {
    const std::string& op = node(index).op;
    const bool norm = op == "BatchNormalization";
    const float fill = op == "PRelu" ? 0.25f : norm ? (input == 1 || input == 4 ? 1 : 0) : op == "Mul" || op == "Div";
    ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(DType::kFloat32, std::move(shape)));
    std::ranges::fill(tensor.mutable_values<float>(), fill);
    fresh_.insert(SetConstant(index, input, std::move(tensor)));
    return absl::OkStatus();
  }

  // Puts another constant in the place of one. It keeps the name where nothing else reads it. Returns its name.
  std::string SetConstant(int index, size_t input, Tensor tensor) {
    ValueId& id = node(index).inputs[input];
    if (uses_.single_use(id)) {
      graph_.mutable_value(id).type = {tensor.dtype(), ToPartial(tensor.shape())};
      graph_.mutable_value(id).constant = std::move(tensor);
    } else {
      const ValueId own = graph_.AddConstant(absl::StrCat(graph_.value(id).name, "/head"), std::move(tensor));
      node(index).inputs[input] = own;
    }
    return graph_.value(node(index).inputs[input]).name;
  }

  // ---------------------------------------------------------------- the head

  absl::Status ReplaceWeights() {
    Shape shape = graph_.ConstantOf(node(head_).inputs[1])->shape();
    const std::string& op = node(head_).op;
    const bool out_first = op == "Conv" || (op == "Gemm" && node(head_).Get<int64_t>("transB", 0) != 0);
    const size_t out = out_first ? 0 : op == "MatMul" ? shape.size() - 1 : 1;
    shape[out] = units_;
    ASSIGN_OR_RETURN(Tensor weights, Tensor::Create(DType::kFloat32, shape));
    geometry_.out = units_;
    const std::string name = SetConstant(head_, 1, std::move(weights));
    RETURN_IF_ERROR(
        InitializeConstant(GlorotUniform(), FansOf(Flavour::kKeras, geometry_), seed_, graph_.FindValue(name), graph_));
    fresh_.insert(name);
    const bool bias = op != "MatMul" && node(head_).inputs.size() > 2 && node(head_).inputs[2] != kNoValue;
    if (!bias) return absl::OkStatus();
    if (graph_.ConstantOf(node(head_).inputs[2]) == nullptr) return WrongNode(node(head_), "expected a constant bias");
    return SetFilled(head_, 2, {units_});
  }

  absl::Status CheckOutput() const {
    const std::optional<PartialShape>& shape = graph_.value(graph_.outputs()[0]).type.shape;
    const auto axis = static_cast<size_t>(axes_.back());
    if (shape && axis < shape->size() && (*shape)[axis].known() && (*shape)[axis].value() == units_) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("expected an output with ", units_, " in dimension ", axis, ", got ",
                                                   shape ? ToString(*shape) : "an unknown shape"));
  }

  const int64_t units_;
  const uint64_t seed_;
  Graph& graph_;
  const Uses uses_;  // of the network as it was
  int head_ = Uses::kNone;
  std::vector<int> behind_;  // nodes from the head on
  int64_t old_ = 0;          // outputs
  WeightGeometry geometry_;
  std::vector<int> axes_;  // that count outputs, of the results of the head and of what is behind it
  std::set<std::string> fresh_;
};

}  // namespace

absl::StatusOr<std::set<std::string>> ReplaceHead(int64_t units, uint64_t seed, Graph& graph) {
  return HeadReplacer(units, seed, graph).Replace();
}

}  // namespace beak
