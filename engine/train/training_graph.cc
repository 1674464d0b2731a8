#include "engine/train/training_graph.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"
#include "engine/train/autodiff.h"

namespace beak {
namespace {

// Which inputs of an operator are parameters where they are constant.
const std::map<std::string, std::vector<size_t>>& ParameterInputs() {
  static const auto* const inputs = new std::map<std::string, std::vector<size_t>>{
      {"Add", {0, 1}},
      {"BatchNormalization", {1, 2}},
      {"Conv", {1, 2}},
      {"ConvTranspose", {1, 2}},
      {"Gather", {0}},
      {"Gemm", {1, 2}},
      {"InstanceNormalization", {1, 2}},
      {"LayerNormalization", {1, 2}},
      {"MatMul", {0, 1}},
      {"Mul", {0, 1}},
      {"PRelu", {1}},
  };
  return *inputs;
}

// Scalars are arithmetic, not parameters.
bool IsParameter(const Graph& graph, ValueId id) {
  const Tensor* constant = graph.ConstantOf(id);
  return constant != nullptr && IsFloat(constant->dtype()) && !constant->shape().empty();
}

class Builder {
 public:
  Builder(const Graph& network, const TrainingOptions& options) : options_(options) {
    result_.graph = network;
    result_.network_inputs = network.inputs().size();
    result_.losses = options.losses.size();
  }

  absl::StatusOr<Graph> BuildEvaluation(const std::vector<Shape>& input_shapes) {
    RETURN_IF_ERROR(AddTargets(input_shapes));
    RETURN_IF_ERROR(AddLosses());
    return std::move(result_.graph);
  }

  absl::StatusOr<TrainingGraph> Build(const std::vector<Shape>& input_shapes) {
    RETURN_IF_ERROR(AddTargets(input_shapes));
    seed_ = graph().AddInput("seed", {DType::kInt64, PartialShape{}});
    result_.parameters = FindTrained();
    for (const Parameter& parameter : result_.parameters) ToInput(parameter.name);
    RETURN_IF_ERROR(UseTrainingNodes());
    RETURN_IF_ERROR(AddLosses());
    RETURN_IF_ERROR(InferShapes(graph(), true));
    RETURN_IF_ERROR(AddGradients());
    for (const auto& [mean, variance] : statistics_) {
      graph().AddOutput(mean);
      graph().AddOutput(variance);
    }
    RETURN_IF_ERROR(VerifyStructure(graph()));
    return std::move(result_);
  }

 private:
  Graph& graph() { return result_.graph; }

  absl::Status SetInputShapes(const std::vector<Shape>& shapes) {
    if (shapes.size() != graph().inputs().size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("inputs: expected ", graph().inputs().size(), " shapes, got ", shapes.size()));
    }
    for (size_t i = 0; i < shapes.size(); ++i) {
      graph().mutable_value(graph().inputs()[i]).type.shape = ToPartial(shapes[i]);
    }
    return absl::OkStatus();
  }

  // ---------------------------------------------------------------- losses

  absl::Status AddTargets(const std::vector<Shape>& input_shapes) {
    RETURN_IF_ERROR(SetInputShapes(input_shapes));
    RETURN_IF_ERROR(InferShapes(graph(), true));
    const std::vector<ValueId> outputs = std::exchange(graph().mutable_outputs(), {});
    for (const Loss& loss : options_.losses) {
      if (absl::Status status = AddTarget(loss, outputs); !status.ok()) {
        return Annotate(status, absl::StrCat("loss of output '", loss.output, "'"));
      }
    }
    return absl::OkStatus();
  }

  // What the loss is computed from: an output, or the logits behind its last activation.
  struct Prediction {
    ValueId value;
    ValueId target;
  };

  ValueId BehindActivation(ValueId output, const char* activation) {
    for (const Node& node : graph().nodes()) {
      if (node.outputs[0] == output && node.op == activation) return node.inputs[0];
    }
    return output;
  }

  // The loss has the classes at dimension 1.
  absl::Status CheckSoftmax(ValueId output, size_t rank) {
    for (const Node& node : graph().nodes()) {
      if (node.outputs[0] != output || node.op != "Softmax") continue;
      ASSIGN_OR_RETURN(const int axis, NormalizeAxis(node.Get<int64_t>("axis", -1), static_cast<int>(rank)));
      if (axis != 1) return absl::InvalidArgumentError(absl::StrCat("expected a Softmax over axis 1, got ", axis));
    }
    return absl::OkStatus();
  }

  absl::Status AddTarget(const Loss& loss, const std::vector<ValueId>& outputs) {
    const ValueId output = graph().FindValue(loss.output);
    if (output == kNoValue || std::find(outputs.begin(), outputs.end(), output) == outputs.end()) {
      return absl::InvalidArgumentError("expected the name of an output of the network");
    }
    PartialShape shape = *graph().value(output).type.shape;
    const DType dtype = graph().value(output).type.dtype;
    if (!IsFloat(dtype)) return absl::InvalidArgumentError(absl::StrCat("expected floats, got ", NameOf(dtype)));
    Prediction prediction{output, kNoValue};
    TensorType target{dtype, shape};
    if (loss.kind == Loss::Kind::kSoftmaxCrossEntropy) {
      if (shape.size() < 2) {
        return absl::InvalidArgumentError(absl::StrCat("expected shape [batch, classes, ...], got ", ToString(shape)));
      }
      RETURN_IF_ERROR(CheckClasses(loss, shape[1].value()));
      RETURN_IF_ERROR(CheckSoftmax(output, shape.size()));
      prediction.value = BehindActivation(output, "Softmax");
      shape.erase(shape.begin() + 1);
      target = {DType::kInt64, shape};
    } else if (loss.kind == Loss::Kind::kBinaryCrossEntropy) {
      prediction.value = BehindActivation(output, "Sigmoid");
    }
    prediction.target = graph().AddInput(absl::StrCat("target_", loss.output), target);
    predictions_.push_back(prediction);
    return absl::OkStatus();
  }

  absl::Status CheckClasses(const Loss& loss, int64_t classes) {
    const size_t weights = loss.class_weights.size();
    if (weights == 0 || static_cast<int64_t>(weights) == classes) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("class weights: expected ", classes, " as there are classes, got ", weights));
  }

  ValueId Emit(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes = {}) {
    const ValueId value = graph().AddValue(absl::StrCat("loss_", op));
    graph().AddNode({graph().value(value).name, op, std::move(inputs), {value}, std::move(attributes)});
    return value;
  }

  ValueId Mean(ValueId value) { return Emit("ReduceMean", {value}, {{"keepdims", int64_t{0}}}); }

  ValueId LossValue(const Loss& loss, const Prediction& prediction) {
    switch (loss.kind) {
      case Loss::Kind::kSoftmaxCrossEntropy:
        return CrossEntropy(loss, prediction);
      case Loss::Kind::kBinaryCrossEntropy: {
        // max(x, 0) - x t + log(1 + exp(-|x|)) = softplus(x) - x t
        const ValueId product = Emit("Mul", {prediction.value, prediction.target});
        return Mean(Emit("Sub", {Emit("Softplus", {prediction.value}), product}));
      }
      case Loss::Kind::kMeanSquaredError:
        break;
    }
    const ValueId difference = Emit("Sub", {prediction.value, prediction.target});
    return Mean(Emit("Mul", {difference, difference}));
  }

  ValueId CrossEntropy(const Loss& loss, const Prediction& prediction) {
    std::vector<ValueId> inputs = {prediction.value, prediction.target};
    const int64_t classes = static_cast<int64_t>(loss.class_weights.size());
    if (classes > 0) {
      inputs.push_back(graph().AddConstant("class_weights", Tensor::Of<float>({classes}, loss.class_weights)));
    }
    AttributeMap attributes = {{"label_smoothing", loss.label_smoothing}};
    if (loss.ignore_index) attributes["ignore_index"] = *loss.ignore_index;
    return Emit("SoftmaxCrossEntropy", std::move(inputs), std::move(attributes));
  }

  absl::Status AddLosses() {
    if (predictions_.empty()) return absl::InvalidArgumentError("losses: expected at least one, got none");
    for (size_t i = 0; i < predictions_.size(); ++i) {
      ValueId loss = LossValue(options_.losses[i], predictions_[i]);
      const float weight = static_cast<float>(options_.losses[i].weight);
      if (weight != 1) loss = Emit("Mul", {loss, graph().AddConstant("loss_weight", Tensor::Scalar(weight))});
      loss_ = i == 0 ? loss : Emit("Add", {loss_, loss});
    }
    graph().AddOutput(loss_);
    for (const Prediction& prediction : predictions_) graph().AddOutput(prediction.value);
    return absl::OkStatus();
  }

  // ---------------------------------------------------------------- parameters

  std::vector<Parameter> FindTrained() {
    std::vector<Parameter> parameters = FindParameters(graph());
    std::erase_if(parameters, [&](const Parameter& one) { return options_.frozen.count(one.name) > 0; });
    return parameters;
  }

  void ToInput(const std::string& name) {
    const ValueId constant = graph().FindValue(name);
    const Tensor& tensor = *graph().value(constant).constant;
    const ValueId input =
        graph().AddInput(absl::StrCat("parameter_", name), {tensor.dtype(), ToPartial(tensor.shape())});
    graph().ReplaceUses(constant, input);
  }

  // A batch normalisation that is trained takes the statistics of its batch; dropout drops.
  absl::Status UseTrainingNodes() {
    for (size_t i = 0; i < graph().nodes().size(); ++i) {
      if (graph().nodes()[i].op == "BatchNormalization") UseBatchStatistics(i);
      if (graph().nodes()[i].op == "Dropout") RETURN_IF_ERROR(UseDropout(i));
    }
    return absl::OkStatus();
  }

  void UseBatchStatistics(size_t index) {
    const Node before = graph().nodes()[index];
    const bool frozen = graph().ConstantOf(before.inputs[1]) != nullptr;
    if (frozen && options_.batch_statistics.count(graph().value(before.outputs[0]).name) == 0) return;
    const Shape shape = ToShape(*graph().value(before.inputs[0]).type.shape);
    const ValueId mean = graph().AddValue(absl::StrCat(before.name, "_mean"));
    const ValueId variance = graph().AddValue(absl::StrCat(before.name, "_variance"));
    graph().mutable_nodes()[index] = {before.name,
                                      "BatchNormalizationTraining",
                                      {before.inputs[0], before.inputs[1], before.inputs[2]},
                                      {before.outputs[0], mean, variance},
                                      {{"epsilon", before.Get("epsilon", 1e-5f)}}};
    statistics_.push_back({mean, variance});
    result_.statistics.push_back({graph().value(before.inputs[3]).name, graph().value(before.inputs[4]).name,
                                  before.Get("momentum", 0.9f), NumElements(shape) / std::max<int64_t>(shape[1], 1)});
  }

  absl::StatusOr<float> DropoutRatio(const Node& node) {
    if (node.inputs.size() < 2 || node.inputs[1] == kNoValue) return 0.5f;
    const Tensor* constant = graph().ConstantOf(node.inputs[1]);
    if (constant == nullptr || !constant->has_bytes()) {
      return absl::UnimplementedError(absl::StrCat("node '", node.name, "' (Dropout): expected a constant ratio"));
    }
    ASSIGN_OR_RETURN(const Tensor ratio, CastTo(*constant, DType::kFloat32));
    return ratio.values<float>()[0];
  }

  absl::Status UseDropout(size_t index) {
    Node& node = graph().mutable_nodes()[index];
    ASSIGN_OR_RETURN(const float ratio, DropoutRatio(node));
    const bool spatial = options_.spatial_dropouts.count(graph().value(node.outputs[0]).name) > 0;
    node = {node.name,
            "DropoutTraining",
            {node.inputs[0], seed_},
            {node.outputs[0]},
            {{"ratio", ratio}, {"salt", static_cast<int64_t>(index)}, {"spatial", int64_t{spatial}}}};
    return absl::OkStatus();
  }

  absl::Status AddGradients() {
    const std::vector<ValueId>& inputs = graph().inputs();
    const auto first = static_cast<std::ptrdiff_t>(result_.parameter_input(0));
    const std::vector<ValueId> values(inputs.begin() + first, inputs.end());
    ASSIGN_OR_RETURN(std::vector<ValueId> gradients, Differentiate(graph(), loss_, values));
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (gradients[i] == kNoValue) {
        return absl::InvalidArgumentError(
            absl::StrCat("parameter '", result_.parameters[i].name, "': no loss depends on it"));
      }
      graph().AddOutput(gradients[i]);
    }
    return absl::OkStatus();
  }

  const TrainingOptions& options_;
  TrainingGraph result_;
  std::vector<Prediction> predictions_;
  ValueId seed_ = kNoValue;
  ValueId loss_ = kNoValue;
  std::vector<std::pair<ValueId, ValueId>> statistics_;  // mean and variance
};

}  // namespace

std::vector<Parameter> FindParameters(const Graph& network) {
  std::vector<Parameter> parameters;
  std::set<ValueId> seen;
  for (const Node& node : network.nodes()) {
    const auto inputs = ParameterInputs().find(node.op);
    if (inputs == ParameterInputs().end()) continue;
    for (const size_t i : inputs->second) {
      if (i >= node.inputs.size() || !IsParameter(network, node.inputs[i])) continue;
      if (!seen.insert(node.inputs[i]).second) continue;
      const Value& value = network.value(node.inputs[i]);
      parameters.push_back({value.name, value.constant->shape()});
    }
  }
  return parameters;
}

absl::StatusOr<TrainingGraph> MakeTrainingGraph(const Graph& network, const std::vector<Shape>& input_shapes,
                                                const TrainingOptions& options) {
  return Builder(network, options).Build(input_shapes);
}

absl::StatusOr<Graph> MakeEvaluationGraph(const Graph& network, const std::vector<Shape>& input_shapes,
                                          const std::vector<Loss>& losses) {
  const TrainingOptions options = {losses};
  return Builder(network, options).BuildEvaluation(input_shapes);
}

}  // namespace beak
