#include <algorithm>
#include <climits>

#include "engine/formats/onnx/data_type.h"
#include "engine/formats/onnx/normalise.h"

namespace beak::onnx_format {
namespace {

// Up to opset 6 B was broadcast to A only when told to: without `axis` its dimensions are A's last, as today.
absl::Status NormaliseBinary(Translation& t) {
  if (t.opset() >= 7) return absl::OkStatus();
  t.Drop("broadcast");
  if (t.node.attributes.count("axis") == 0) return absl::OkStatus();
  return absl::UnimplementedError("attribute 'axis': broadcasting as before opset 7");
}

absl::Status NormaliseGemm(Translation& t) {
  if (t.opset() < 7) t.Drop("broadcast");
  return absl::OkStatus();
}

// Bounds were float attributes up to opset 10 and are inputs of x's type since.
absl::Status NormaliseClip(Translation& t) {
  if (t.opset() >= 11) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  size_t input = 1;
  for (const char* name : {"min", "max"}) {
    ASSIGN_OR_RETURN(const std::optional<float> bound, t.Take<float>(name));
    if (bound && t.HasInput(0)) {
      ASSIGN_OR_RETURN(Tensor tensor, CastTo(Tensor::Scalar<float>(*bound), t.InputType(0)));
      t.SetInput(input, t.AddConstant(name, std::move(tensor)));
    }
    ++input;
  }
  return absl::OkStatus();
}

absl::Status AxesToInput(Translation& t, int attribute_until) {
  if (t.opset() > attribute_until) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  return t.IntsToInput("axes", 1);
}

absl::Status NormaliseReduceSum(Translation& t) { return AxesToInput(t, 12); }
absl::Status NormaliseReduce(Translation& t) { return AxesToInput(t, 17); }

// The target type is a number in files and a name in the dialect. `saturate` and `round_mode` concern 8-bit floats
// only.
absl::Status NormaliseCast(Translation& t) {
  t.Drop("saturate");
  t.Drop("round_mode");
  ASSIGN_OR_RETURN(const std::optional<int64_t> to, t.Take<int64_t>("to"));
  if (!to) return absl::InvalidArgumentError("attribute 'to': expected an element type, got none");
  const absl::StatusOr<DType> dtype = DTypeFromOnnx(static_cast<int>(std::clamp<int64_t>(*to, 0, INT_MAX)));
  if (!dtype.ok()) return Annotate(dtype.status(), "attribute 'to'");
  t.node.attributes["to"] = std::string(NameOf(*dtype));
  return absl::OkStatus();
}

constexpr OperatorRow kRows[] = {
    {"Abs", 1},
    {"Add", 1, NormaliseBinary},
    {"ArgMax", 1},
    {"Cast", 6, NormaliseCast},
    {"Clip", 1, NormaliseClip},
    {"Div", 1, NormaliseBinary},
    {"Equal", 1, NormaliseBinary},
    {"Exp", 1},
    {"Gemm", 1, NormaliseGemm},
    {"Log", 1},
    {"MatMul", 1},
    {"Max", 1},
    {"Mean", 1},
    {"Min", 1},
    {"Mul", 1, NormaliseBinary},
    {"Neg", 1},
    {"Pow", 1, NormaliseBinary},
    {"ReduceMax", 1, NormaliseReduce},
    {"ReduceMean", 1, NormaliseReduce},
    {"ReduceSum", 1, NormaliseReduceSum},
    {"Sqrt", 1},
    {"Sub", 1, NormaliseBinary},
    {"Sum", 1},
    {"Where", 9},
};

}  // namespace

std::span<const OperatorRow> ArithmeticRows() { return kRows; }

}  // namespace beak::onnx_format
