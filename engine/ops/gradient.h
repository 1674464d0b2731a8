#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/graph/graph.h"

namespace beak {

// How operators are differentiated: each gradient is nodes of its own, so that it is compiled like everything else.

// What a gradient rule sees of one node, in a graph in which every shape is static, and what it adds behind it.
class GradientContext {
 public:
  virtual ~GradientContext() = default;

  virtual const Node& node() const = 0;
  virtual const Graph& graph() const = 0;

  // kNoValue where it is left out.
  ValueId input(size_t i) const { return i < node().inputs.size() ? node().inputs[i] : kNoValue; }
  ValueId output(size_t i = 0) const { return i < node().outputs.size() ? node().outputs[i] : kNoValue; }
  // Of a value that was there before its graph was differentiated. REQUIRES: not kNoValue.
  Shape shape(ValueId value) const { return ToShape(*graph().value(value).type.shape); }
  DType dtype(ValueId value) const { return graph().value(value).type.dtype; }

  // Whether anything asks for the gradient of input i.
  virtual bool wants(size_t i) const = 0;
  // Of the loss by output i, which has its shape; kNoValue where the loss does not depend on it.
  virtual ValueId gradient(size_t i = 0) const = 0;
  // Says what input i adds to the gradient of its value, whose shape it has. REQUIRES: wants(i).
  virtual void Give(size_t i, ValueId gradient) = 0;

  // Adds a node and gives its outputs, of which those not wanted are left out.
  virtual std::vector<ValueId> EmitSome(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes,
                                        const std::vector<bool>& wanted) = 0;
  ValueId Emit(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes = {}) {
    return EmitSome(op, std::move(inputs), std::move(attributes), {true})[0];
  }
  virtual ValueId Constant(Tensor tensor) = 0;
};

// UNIMPLEMENTED, with what it would take, for a node that cannot be differentiated.
using GradientRule = absl::Status (*)(GradientContext& context);

struct GradientEntry {
  const char* op;
  GradientRule rule;
};

// The rule of an operator; null where it has none: then it has no gradient, or we do not know it.
GradientRule FindGradient(const std::string& op);
// All of them, by family.
const std::vector<GradientEntry>& AllGradients();

}  // namespace beak
