#include "engine/graph/verify.h"

#include <set>
#include <string>
#include <vector>

#include "engine/base/limits.h"
#include "engine/base/status.h"

namespace beak {
namespace {

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph), defined_(graph.num_values()) {}

  absl::Status Verify() {
    RETURN_IF_ERROR(CheckLimits());
    for (ValueId id = 0; id < graph_.num_values(); ++id) RETURN_IF_ERROR(CheckValue(id));
    for (const ValueId id : graph_.inputs()) RETURN_IF_ERROR(CheckInput(id));
    for (const Node& node : graph_.nodes()) {
      if (absl::Status status = CheckNode(node); !status.ok()) {
        return Annotate(status, absl::StrCat("node '", node.name, "' (", node.op, ")"));
      }
    }
    return CheckOutputs();
  }

 private:
  absl::Status CheckLimits() const {
    if (graph_.nodes().size() > static_cast<size_t>(limits::kMaxGraphNodes)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("graph: expected at most ", limits::kMaxGraphNodes, " nodes, got ", graph_.nodes().size()));
    }
    return absl::OkStatus();
  }

  absl::Status CheckId(ValueId id, const char* what) const {
    if (id >= 0 && id < graph_.num_values()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": expected the id of a value in [0, ", graph_.num_values(), "), got ", id));
  }

  absl::Status Define(ValueId id) {
    if (defined_[id]) {
      return absl::InvalidArgumentError(
          absl::StrCat("value '", graph_.value(id).name, "': expected one definition, got a second one"));
    }
    defined_[id] = true;
    return absl::OkStatus();
  }

  absl::Status CheckValue(ValueId id) {
    const Value& value = graph_.value(id);
    if (value.name.empty() || value.name.size() > limits::kMaxNameBytes) {
      return absl::InvalidArgumentError(absl::StrCat("value ", id, ": expected a name of 1 to ", limits::kMaxNameBytes,
                                                     " bytes, got ", value.name.size()));
    }
    if (graph_.FindValue(value.name) != id) {
      return absl::InvalidArgumentError(absl::StrCat("value '", value.name, "': expected a unique name"));
    }
    if (value.type.shape && value.type.shape->size() > static_cast<size_t>(limits::kMaxRank)) {
      return absl::InvalidArgumentError(absl::StrCat("value '", value.name, "': expected at most ", limits::kMaxRank,
                                                     " dimensions, got ", value.type.shape->size()));
    }
    if (!value.constant) return absl::OkStatus();
    RETURN_IF_ERROR(Define(id));
    return Annotate(CheckConstant(value), absl::StrCat("constant '", value.name, "'"));
  }

  static absl::Status CheckConstant(const Value& value) {
    if (!value.type.shape || !IsStatic(*value.type.shape)) {
      return absl::InvalidArgumentError("shape: expected known dimensions");
    }
    const Shape shape = ToShape(*value.type.shape);
    ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(shape, value.type.dtype));
    const Tensor& tensor = *value.constant;
    if (tensor.dtype() != value.type.dtype || tensor.shape() != shape) {
      return absl::InvalidArgumentError(absl::StrCat("elements: expected ", NameOf(value.type.dtype), " ",
                                                     ToString(shape), ", got ", NameOf(tensor.dtype()), " ",
                                                     ToString(tensor.shape())));
    }
    // Without bytes of its own, they live in the ConstantStore.
    if (tensor.has_bytes() && tensor.byte_size() != static_cast<size_t>(bytes)) {
      return absl::InvalidArgumentError(absl::StrCat("elements: expected ", bytes, " bytes, got ", tensor.byte_size()));
    }
    return absl::OkStatus();
  }

  absl::Status CheckInput(ValueId id) {
    RETURN_IF_ERROR(CheckId(id, "graph input"));
    return Annotate(Define(id), "graph input");
  }

  absl::Status CheckNode(const Node& node) {
    if (node.name.size() > limits::kMaxNameBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("name: expected at most ", limits::kMaxNameBytes, " bytes, got ", node.name.size()));
    }
    for (const ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      RETURN_IF_ERROR(CheckId(id, "input"));
      if (!defined_[id]) {
        return absl::InvalidArgumentError(
            absl::StrCat("input '", graph_.value(id).name, "': expected a value that is defined before"));
      }
    }
    for (const ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      RETURN_IF_ERROR(CheckId(id, "output"));
      RETURN_IF_ERROR(Define(id));
    }
    return absl::OkStatus();
  }

  absl::Status CheckOutputs() const {
    std::set<ValueId> seen;
    for (const ValueId id : graph_.outputs()) {
      RETURN_IF_ERROR(CheckId(id, "graph output"));
      const std::string& name = graph_.value(id).name;
      if (!defined_[id]) {
        return absl::InvalidArgumentError(absl::StrCat("graph output '", name, "': expected a value that is defined"));
      }
      if (!seen.insert(id).second) {
        return absl::InvalidArgumentError(absl::StrCat("graph output '", name, "': expected once, got twice"));
      }
    }
    return absl::OkStatus();
  }

  const Graph& graph_;
  std::vector<bool> defined_;
};

}  // namespace

absl::Status VerifyStructure(const Graph& graph) { return Verifier(graph).Verify(); }

}  // namespace beak
