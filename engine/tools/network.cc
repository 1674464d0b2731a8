#include "engine/tools/network.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "engine/base/status.h"

namespace beak::tools {
namespace {

std::string Describe(DType dtype, const std::string& shape) { return absl::StrCat(NameOf(dtype), " ", shape); }

absl::Status CheckKnown(const Graph& graph, const std::map<std::string, Tensor>& values) {
  for (const auto& [name, tensor] : values) {
    const ValueId id = graph.FindValue(name);
    if (std::find(graph.inputs().begin(), graph.inputs().end(), id) == graph.inputs().end()) {
      return absl::InvalidArgumentError(absl::StrCat("input '", name, "': expected an input of the network, got none"));
    }
    if (graph.value(id).type.dtype != tensor.dtype()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input '", name, "': expected ", NameOf(graph.value(id).type.dtype), ", got ", NameOf(tensor.dtype())));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Shape> ChooseShape(const TensorSpec& input, const ShapeChoice& choice) {
  const auto given = choice.shapes.find(input.name);
  if (given != choice.shapes.end()) return given->second;
  Shape shape;
  for (const Dim& dim : input.shape) {
    if (!dim.known() && !shape.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("input '", input.name, "': expected --shape=", input.name,
                                                     "=..., its dimensions ", ToString(input.shape), " are free"));
    }
    shape.push_back(dim.known() ? dim.value() : choice.batch.value_or(1));
  }
  return shape;
}

}  // namespace

absl::StatusOr<std::vector<Tensor>> RunOnce(const Program& program, const std::vector<Tensor>& inputs) {
  if (inputs.size() != program.inputs().size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs: expected ", program.inputs().size(), ", got ", inputs.size()));
  }
  const std::unique_ptr<Workspace> workspace = program.CreateWorkspace();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Program::Operand& input = program.inputs()[i];
    if (inputs[i].dtype() != input.dtype || inputs[i].shape() != input.shape) {
      return absl::InvalidArgumentError(absl::StrCat("input '", input.name, "': expected ",
                                                     Describe(input.dtype, ToString(input.shape)), ", got ",
                                                     Describe(inputs[i].dtype(), ToString(inputs[i].shape()))));
    }
    std::copy_n(inputs[i].bytes(), inputs[i].byte_size(), workspace->input(static_cast<int>(i)).data());
  }
  RETURN_IF_ERROR(program.Run(*workspace));
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < program.outputs().size(); ++i) {
    const Program::Operand& output = program.outputs()[i];
    ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(output.dtype, output.shape));
    std::copy_n(workspace->output(static_cast<int>(i)).data(), tensor.byte_size(), tensor.mutable_bytes());
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

absl::StatusOr<std::vector<Tensor>> Predict(const Graph& graph, const std::map<std::string, Tensor>& values,
                                            int threads) {
  RETURN_IF_ERROR(CheckKnown(graph, values));
  ASSIGN_OR_RETURN(const std::shared_ptr<Model> model, Model::FromGraph(FixShapeInputs(graph, values)));
  std::vector<Tensor> inputs;
  std::vector<Shape> shapes;
  for (const TensorSpec& input : model->inputs()) {
    const auto given = values.find(input.name);
    if (given == values.end()) {
      return absl::InvalidArgumentError(absl::StrCat("input '", input.name, "': expected a ",
                                                     Describe(input.dtype, ToString(input.shape)), ", got none"));
    }
    inputs.push_back(given->second);
    shapes.push_back(given->second.shape());
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program, model->GetProgram(shapes, threads));
  return RunOnce(*program, inputs);
}

absl::Status ParseShape(const std::string& text, std::map<std::string, Shape>& shapes) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(absl::StrCat("--shape: expected NAME=1x3x480x640, got '", text, "'"));
  }
  Shape shape;
  for (const absl::string_view part : absl::StrSplit(text.substr(equals + 1), 'x')) {
    int64_t dim;
    if (!absl::SimpleAtoi(part, &dim) || dim < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--shape: expected dimensions like 1x3x480x640, got '", text, "'"));
    }
    shape.push_back(dim);
  }
  shapes[text.substr(0, equals)] = std::move(shape);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Shape>> ChooseShapes(const std::vector<TensorSpec>& inputs, const ShapeChoice& choice) {
  for (const auto& given : choice.shapes) {
    const bool known = std::any_of(inputs.begin(), inputs.end(),
                                   [&given](const TensorSpec& input) { return input.name == given.first; });
    if (!known) {
      return absl::InvalidArgumentError(absl::StrCat("--shape: expected an input's name, got '", given.first, "'"));
    }
  }
  std::vector<Shape> shapes;
  for (const TensorSpec& input : inputs) {
    ASSIGN_OR_RETURN(Shape shape, ChooseShape(input, choice));
    shapes.push_back(std::move(shape));
  }
  const bool free_batch = std::any_of(inputs.begin(), inputs.end(), [](const TensorSpec& input) {
    return !input.shape.empty() && !input.shape[0].known();
  });
  if (choice.batch && *choice.batch != 1 && !free_batch) {
    return absl::InvalidArgumentError("--batch: expected a network whose first dimension is free");
  }
  return shapes;
}

}  // namespace beak::tools
