#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "engine/formats/onnx/translation.h"

namespace beak::onnx_format {

// How every operator of ONNX's default domain that we read becomes the dialect's: a row an operator, a table a family.
// To add an operator, or an older form of one, is to add a row or extend its function, and nothing else here.

// Edits the node of one version of an operator into the dialect's form. An error says what is wrong, without the node.
using Normalise = absl::Status (*)(Translation&);

struct OperatorRow {
  const char* op;
  int since;                      // the oldest opset whose form of the operator we understand
  Normalise normalise = nullptr;  // null: every form since then is the dialect's, or differs in element types only
  int until = 1000;               // the newest opset that has the operator
};

std::span<const OperatorRow> ArithmeticRows();  // elementwise, reductions, matrix products
std::span<const OperatorRow> NeuralRows();      // convolutions, pools, normalisations, activations
std::span<const OperatorRow> ShapeRows();       // what moves elements and computes with shapes
std::span<const OperatorRow> ResizeRows();

// Opsets that a model may declare. Below 7 only operators whose row says so are read. Above 22 nothing that we read has
// changed meaning up to 27 (element types were added); 28 gives SpaceToDepth a mode.
inline constexpr int kOldestOpset = 1;
inline constexpr int kNewestOpset = 27;

// The row of an operator; null where there is none.
const OperatorRow* FindRow(const std::string& op);

// Translates one node. UNIMPLEMENTED for an operator, a version of it, or a use of it that we lack.
absl::Status NormaliseNode(Translation& translation);

}  // namespace beak::onnx_format
