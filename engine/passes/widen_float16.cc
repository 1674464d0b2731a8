#include "engine/base/status.h"
#include "engine/passes/passes.h"

namespace beak {
namespace {

Node MakeCast(const std::string& name, ValueId from, ValueId to, DType dtype) {
  Node cast;
  cast.name = name;
  cast.op = "Cast";
  cast.inputs = {from};
  cast.outputs = {to};
  cast.attributes["to"] = std::string(NameOf(dtype));
  return cast;
}

absl::Status WidenAttributes(Node& node) {
  for (auto& [key, attribute] : node.attributes) {
    if (Tensor* tensor = std::get_if<Tensor>(&attribute); tensor != nullptr && tensor->dtype() == DType::kFloat16) {
      ASSIGN_OR_RETURN(*tensor, CastTo(*tensor, DType::kFloat32));
    }
  }
  if (node.op == "Cast" && node.Get<std::string>("to", "") == "float16") node.attributes["to"] = std::string("float32");
  return absl::OkStatus();
}

// The value that takes over inside the graph from an input or output `id`, which keeps its name and its float16.
ValueId AddWideTwin(Graph& graph, ValueId id) {
  return graph.AddValue(graph.value(id).name + "/float32", {DType::kFloat32, graph.value(id).type.shape});
}

absl::Status WidenValue(Value& value) {
  value.type.dtype = DType::kFloat32;
  if (value.constant) {
    ASSIGN_OR_RETURN(value.constant, CastTo(*value.constant, DType::kFloat32));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WidenFloat16(Graph& graph, const Evaluator&) {
  const int num_values = graph.num_values();
  std::vector<ValueId> twin(num_values, kNoValue);
  std::vector<Node> casts_in, casts_out;
  for (const ValueId input : graph.inputs()) {
    if (graph.value(input).type.dtype != DType::kFloat16) continue;
    twin[input] = AddWideTwin(graph, input);
    casts_in.push_back(MakeCast(graph.value(input).name + "/widen", input, twin[input], DType::kFloat32));
  }
  for (const ValueId output : graph.outputs()) {
    // An input that is also an output stays as it is.
    if (graph.value(output).type.dtype != DType::kFloat16 || twin[output] != kNoValue) continue;
    twin[output] = AddWideTwin(graph, output);
    if (graph.value(output).constant) {
      ASSIGN_OR_RETURN(graph.mutable_value(twin[output]).constant,
                       CastTo(*graph.value(output).constant, DType::kFloat32));
      graph.mutable_value(output).constant.reset();
    }
    casts_out.push_back(MakeCast(graph.value(output).name + "/narrow", twin[output], output, DType::kFloat16));
  }
  for (ValueId id = 0; id < num_values; ++id) {
    if (graph.value(id).type.dtype != DType::kFloat16 || twin[id] != kNoValue) continue;
    RETURN_IF_ERROR(WidenValue(graph.mutable_value(id)));
  }
  std::vector<Node>& nodes = graph.mutable_nodes();
  const auto to_twin = [&](ValueId id) { return id != kNoValue && twin[id] != kNoValue ? twin[id] : id; };
  for (Node& node : nodes) {
    RETURN_IF_ERROR(WidenAttributes(node));
    for (ValueId& input : node.inputs) input = to_twin(input);
    for (ValueId& output : node.outputs) output = to_twin(output);
  }
  nodes.insert(nodes.begin(), std::make_move_iterator(casts_in.begin()), std::make_move_iterator(casts_in.end()));
  for (Node& cast : casts_out) graph.AddNode(std::move(cast));
  return absl::OkStatus();
}

}  // namespace beak
