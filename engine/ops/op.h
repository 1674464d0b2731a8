#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// The operators of the engine's dialect: ONNX semantics of opset 22, batch-first NCHW, plus a few of the engine's own
// which no file contains and only passes make (Op::internal). Importers translate everything else into these.

struct AttributeSpec {
  std::string name;
  AttributeType type = AttributeType::kInt;
  bool required = false;
  std::vector<std::string> legal = {};  // for strings; empty = any
};

// What a shape rule sees of one node and what it says about its outputs. Dimensions may be symbols; a rule computes
// with what is known and leaves the rest unknown (Dim()).
class InferContext {
 public:
  virtual ~InferContext() = default;

  virtual const Node& node() const = 0;
  int num_inputs() const { return static_cast<int>(node().inputs.size()); }
  virtual bool has_input(int i) const = 0;  // false where left out or beyond the node's inputs
  bool has_output(int i) const;
  virtual DType dtype(int i) const = 0;                // REQUIRES: has_input(i)
  virtual const PartialShape& shape(int i) const = 0;  // REQUIRES: has_input(i)
  virtual const Tensor* constant(int i) const = 0;     // null where not a constant with bytes
  // The elements of a small integer input as dimensions, where they are known, in part or whole: a constant, or
  // arithmetic on the shapes of other values (Shape -> Gather -> Concat -> Reshape). nullopt where not even their
  // number is.
  virtual std::optional<std::vector<Dim>> dims_value(int i) const = 0;
  // The elements of an int32/int64 input that are known before the run; nullopt where it is left out; DependsOnData
  // ("input 'axes' must be constant") where it is there but not known.
  absl::StatusOr<std::optional<std::vector<int64_t>>> ConstantInts(int i, const char* what);

  // The error (UNIMPLEMENTED) of a rule that cannot go on without data. Outputs keep what was set before, so a rule
  // first says what it surely knows (the rank); shape inference fails only when everything has to be static.
  absl::Status DependsOnData(const std::string& text);
  bool depends_on_data() const { return depends_on_data_; }

  virtual void set_output(int i, DType dtype, PartialShape shape) = 0;
  // Says what dims_value() of this output's readers will be.
  virtual void set_dims_value(int i, std::vector<Dim> value) = 0;

 private:
  bool depends_on_data_ = false;
};

// Sets types and shapes of all outputs, or INVALID_ARGUMENT ("expected X, got Y") where inputs do not fit together.
using ShapeRule = absl::Status (*)(InferContext&);

// One row of the operator table.
struct Op {
  std::string name;
  int min_inputs = 1;
  int max_inputs = 1;  // kVariadic: any number from min_inputs
  int min_outputs = 1;
  int max_outputs = 1;
  std::vector<AttributeSpec> attributes;
  ShapeRule infer = nullptr;
  bool internal = false;  // made by passes only; importers refuse it

  static constexpr int kVariadic = 1 << 20;
};

// The row of an operator; null where the engine has none. *Thread-safe.*
const Op* FindOp(const std::string& name);
// All rows, by family.
const std::vector<Op>& AllOps();

// Checks every node against its row: known operator, number of inputs and outputs, attribute names, types and legal
// values. UNIMPLEMENTED for an unknown operator or attribute, INVALID_ARGUMENT otherwise; names node, operator,
// attribute.
absl::Status VerifyOperators(const Graph& graph);

// Gives every value its type and shape, from the graph's inputs forward, in one walk. Known shapes are recomputed.
// Checks each node as VerifyOperators does, and the sizes of all tensors against the limits. Errors name the node. A
// value whose rank depends on data is left without a shape, and so is everything behind it. With static input shapes
// every shape becomes static, except behind operators whose shape depends on data: those are UNIMPLEMENTED when
// `require_static`. REQUIRES: a graph that VerifyStructure accepts.
absl::Status InferShapes(Graph& graph, bool require_static = false);

}  // namespace beak
