#include "engine/formats/onnx/normalise.h"

namespace beak::onnx_format {

const OperatorRow* FindRow(const std::string& op) {
  for (const auto rows : {ArithmeticRows(), NeuralRows(), ShapeRows(), ResizeRows()}) {
    for (const OperatorRow& row : rows) {
      if (op == row.op) return &row;
    }
  }
  return nullptr;
}

absl::Status NormaliseNode(Translation& t) {
  const OperatorRow* row = FindRow(t.node.op);
  if (row == nullptr) return absl::UnimplementedError("unknown operator");
  if (t.opset() < row->since) {
    return absl::UnimplementedError(
        absl::StrCat("opset: expected ", row->since, " or newer for this operator, got ", t.opset()));
  }
  if (t.opset() > row->until) {
    return absl::InvalidArgumentError(
        absl::StrCat("opset: expected ", row->until, " or older for this operator, got ", t.opset()));
  }
  // Before opset 6 a memory hint that never changed the answer.
  if (t.opset() < 6) t.Drop("consumed_inputs");
  return row->normalise == nullptr ? absl::OkStatus() : row->normalise(t);
}

}  // namespace beak::onnx_format
