#include "engine/formats/onnx/normalise.h"

namespace beak::onnx_format {
namespace {

absl::Status NormaliseConcat(Translation& t) {
  if (t.opset() < 4) t.node.attributes.emplace("axis", int64_t{1});
  return absl::OkStatus();
}

absl::Status NormaliseReshape(Translation& t) {
  if (t.opset() >= 5) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  return t.IntsToInput("shape", 1);
}

// Squeeze and Unsqueeze.
absl::Status NormaliseSqueeze(Translation& t) {
  if (t.opset() >= 13) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  return t.IntsToInput("axes", 1);
}

absl::Status NormaliseSplit(Translation& t) {
  if (t.opset() < 13) {
    RETURN_IF_ERROR(t.ExpectInputs(1));
    RETURN_IF_ERROR(t.IntsToInput("split", 1));
  }
  // Before opset 18 equal parts were as many as the node has outputs.
  if (t.opset() < 18 && !t.HasInput(1)) {
    t.node.attributes["num_outputs"] = static_cast<int64_t>(t.node.outputs.size());
  }
  return absl::OkStatus();
}

absl::Status NormaliseSlice(Translation& t) {
  if (t.opset() >= 10) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  for (const char* name : {"starts", "ends"}) {
    if (t.node.attributes.count(name) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("attribute '", name, "': expected a value, got none"));
    }
  }
  RETURN_IF_ERROR(t.IntsToInput("starts", 1));
  RETURN_IF_ERROR(t.IntsToInput("ends", 2));
  return t.IntsToInput("axes", 3);
}

absl::Status NormalisePad(Translation& t) {
  if (t.opset() >= 11) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  if (t.node.attributes.count("pads") == 0) {
    return absl::InvalidArgumentError("attribute 'pads': expected a value, got none");
  }
  RETURN_IF_ERROR(t.IntsToInput("pads", 1));
  ASSIGN_OR_RETURN(const std::optional<float> value, t.Take<float>("value"));
  if (!value || !t.HasInput(0)) return absl::OkStatus();
  ASSIGN_OR_RETURN(Tensor tensor, CastTo(Tensor::Scalar<float>(*value), t.InputType(0)));
  t.SetInput(2, t.AddConstant("value", std::move(tensor)));
  return absl::OkStatus();
}

constexpr OperatorRow kRows[] = {
    {"Concat", 1, NormaliseConcat},
    {"ConstantOfShape", 9},
    {"DepthToSpace", 1},
    {"Expand", 8},
    {"Flatten", 1},
    {"Gather", 1},
    {"Identity", 1},
    {"Pad", 2, NormalisePad},
    {"Reshape", 1, NormaliseReshape},
    {"Shape", 1},
    {"Slice", 1, NormaliseSlice},
    {"SpaceToDepth", 1},
    {"Split", 2, NormaliseSplit},
    {"Squeeze", 1, NormaliseSqueeze},
    {"Tile", 6},
    {"Transpose", 1},
    {"Unsqueeze", 1, NormaliseSqueeze},
};

}  // namespace

std::span<const OperatorRow> ShapeRows() { return kRows; }

}  // namespace beak::onnx_format
