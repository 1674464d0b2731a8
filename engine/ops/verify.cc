#include <algorithm>

#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

absl::Status CheckCount(const char* what, size_t got, int min, int max) {
  if (got >= static_cast<size_t>(min) && got <= static_cast<size_t>(max)) return absl::OkStatus();
  const std::string most = max == Op::kVariadic ? " or more" : max == min ? "" : absl::StrCat(" to ", max);
  return absl::InvalidArgumentError(absl::StrCat(what, ": expected ", min, most, ", got ", got));
}

// The first `required` of the values are there.
absl::Status CheckPresent(const char* what, const std::vector<ValueId>& values, int required) {
  for (int i = 0; i < required; ++i) {
    if (values[i] == kNoValue)
      return absl::InvalidArgumentError(absl::StrCat(what, " ", i, ": expected one, got none"));
  }
  return absl::OkStatus();
}

absl::Status CheckAttribute(const AttributeSpec& spec, const Attribute& attribute) {
  if (TypeOf(attribute) != spec.type) {
    return absl::InvalidArgumentError(
        absl::StrCat("attribute '", spec.name, "': expected ", NameOf(spec.type), ", got ", NameOf(TypeOf(attribute))));
  }
  if (spec.legal.empty()) return absl::OkStatus();
  const std::string& value = std::get<std::string>(attribute);
  if (std::find(spec.legal.begin(), spec.legal.end(), value) != spec.legal.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("attribute '", spec.name, "': expected one of '",
                                                 absl::StrJoin(spec.legal, "', '"), "', got '", value, "'"));
}

absl::Status CheckAttributes(const Op& op, const Node& node) {
  for (const auto& [name, attribute] : node.attributes) {
    const auto spec = std::find_if(op.attributes.begin(), op.attributes.end(),
                                   [&name = name](const AttributeSpec& candidate) { return candidate.name == name; });
    if (spec == op.attributes.end()) {
      return absl::UnimplementedError(absl::StrCat("attribute '", name, "': not known for this operator"));
    }
    RETURN_IF_ERROR(CheckAttribute(*spec, attribute));
  }
  for (const AttributeSpec& spec : op.attributes) {
    if (spec.required && !node.Has(spec.name)) {
      return absl::InvalidArgumentError(absl::StrCat("attribute '", spec.name, "': expected one, got none"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string PlaceOf(const Node& node) { return absl::StrCat("node '", node.name, "' (", node.op, ")"); }

absl::StatusOr<const Op*> CheckNode(const Node& node) {
  const Op* op = FindOp(node.op);
  if (op == nullptr) return absl::UnimplementedError(absl::StrCat("operator '", node.op, "': not known"));
  RETURN_IF_ERROR(CheckCount("inputs", node.inputs.size(), op->min_inputs, op->max_inputs));
  RETURN_IF_ERROR(CheckCount("outputs", node.outputs.size(), op->min_outputs, op->max_outputs));
  // A variadic operator has no place for an input that is left out.
  const bool all = op->max_inputs == Op::kVariadic;
  RETURN_IF_ERROR(CheckPresent("input", node.inputs, all ? static_cast<int>(node.inputs.size()) : op->min_inputs));
  RETURN_IF_ERROR(CheckPresent("output", node.outputs, op->min_outputs));
  RETURN_IF_ERROR(CheckAttributes(*op, node));
  return op;
}

absl::Status VerifyOperators(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (absl::Status status = CheckNode(node).status(); !status.ok()) return Annotate(status, PlaceOf(node));
  }
  return absl::OkStatus();
}

}  // namespace beak
