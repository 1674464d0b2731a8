#include "engine/formats/onnx/normalise.h"

namespace beak::onnx_format {
namespace {

// Inputs of the dialect's Resize.
constexpr size_t kRoi = 1;
constexpr size_t kScales = 2;
constexpr size_t kSizes = 3;

absl::Status ToAsymmetric(Translation& t, const std::string& nearest_mode) {
  // Caffe2 said "bilinear" for what ONNX calls "linear".
  ASSIGN_OR_RETURN(const std::optional<std::string> mode, t.Take<std::string>("mode"));
  t.node.op = "Resize";
  t.node.attributes["mode"] = mode.value_or("nearest") == "bilinear" ? "linear" : mode.value_or("nearest");
  t.node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  t.node.attributes["nearest_mode"] = nearest_mode;
  return absl::OkStatus();
}

// Moves the scales of (X, scales) to where Resize has them today.
absl::Status MoveScales(Translation& t) {
  RETURN_IF_ERROR(t.ExpectInputs(2));
  if (!t.HasInput(1)) return absl::InvalidArgumentError("input 'scales': expected a tensor, got none");
  const ValueId scales = t.node.inputs[1];
  t.node.inputs[kRoi] = kNoValue;
  t.SetInput(kScales, scales);
  return absl::OkStatus();
}

absl::Status NormaliseUpsample(Translation& t) {
  if (t.opset() >= 9) {
    RETURN_IF_ERROR(MoveScales(t));
  } else {
    RETURN_IF_ERROR(t.ExpectInputs(1));
    ASSIGN_OR_RETURN(const std::optional<std::vector<float>> scales, t.Take<std::vector<float>>("scales"));
    if (!scales) return absl::InvalidArgumentError("attribute 'scales': expected a value, got none");
    t.SetInput(kScales, t.AddConstant("scales", Tensor::Of<float>({static_cast<int64_t>(scales->size())}, *scales)));
  }
  return ToAsymmetric(t, "floor");
}

// Opset 10 says too little; this is what ONNX Runtime and ONNX's cases of that time do: downwards "nearest" rounds up.
absl::Status NormaliseResize10(Translation& t) {
  RETURN_IF_ERROR(MoveScales(t));
  bool up = false;
  bool down = false;
  const Tensor* scales = t.ConstantInput(kScales);
  if (scales != nullptr && scales->dtype() == DType::kFloat32) {
    for (const float scale : scales->values<float>()) {
      up |= scale > 1;
      down |= scale < 1;
    }
  }
  RETURN_IF_ERROR(ToAsymmetric(t, down ? "ceil" : "floor"));
  if (up && down && t.node.Get<std::string>("mode", "") == "nearest") {
    return absl::UnimplementedError("input 'scales': up and down at once, before opset 11");
  }
  return absl::OkStatus();
}

// Opset 11 had to give every input: an empty tensor stands for one that is left out.
absl::Status NormaliseResize(Translation& t) {
  if (t.opset() < 11) return NormaliseResize10(t);
  const auto it = t.node.attributes.find("coordinate_transformation_mode");
  const std::string* mode = it == t.node.attributes.end() ? nullptr : std::get_if<std::string>(&it->second);
  const bool crops = mode != nullptr && *mode == "tf_crop_and_resize";
  if (!crops && t.HasInput(kRoi)) t.node.inputs[kRoi] = kNoValue;
  for (const size_t i : {kRoi, kScales, kSizes}) {
    if (t.HasInput(i) && t.InputIsEmpty(i)) t.node.inputs[i] = kNoValue;
  }
  while (!t.node.inputs.empty() && t.node.inputs.back() == kNoValue) t.node.inputs.pop_back();
  return absl::OkStatus();
}

constexpr OperatorRow kRows[] = {
    {"Resize", 10, NormaliseResize},
    {"Upsample", 7, NormaliseUpsample, 9},
};

}  // namespace

std::span<const OperatorRow> ResizeRows() { return kRows; }

}  // namespace beak::onnx_format
