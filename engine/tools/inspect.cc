#include "engine/tools/inspect.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "engine/base/status.h"
#include "engine/formats/format.h"
#include "nlohmann/json.hpp"

namespace beak::tools {
namespace {

using Json = nlohmann::ordered_json;

Json Describe(const std::vector<TensorSpec>& specs) {
  Json json = Json::array();
  for (const TensorSpec& spec : specs) {
    Json shape = Json::array();
    for (const Dim& dim : spec.shape) {
      if (dim.known()) {
        shape.push_back(dim.value());
      } else {
        shape.push_back(dim.symbol().empty() ? "?" : dim.symbol());
      }
    }
    json.push_back({{"name", spec.name}, {"datatype", NameOf(spec.dtype)}, {"shape", std::move(shape)}});
  }
  return json;
}

absl::StatusOr<double> CountFlops(Model& model, const ShapeChoice& choice, Json& chosen) {
  ASSIGN_OR_RETURN(const std::vector<Shape> shapes, ChooseShapes(model.inputs(), choice));
  for (size_t i = 0; i < shapes.size(); ++i) chosen[model.inputs()[i].name] = shapes[i];
  ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program, model.GetProgram(shapes, 1));
  return program->flops();
}

Json DescribeModel(const std::map<std::string, int>& operators, Model& model, const ShapeChoice& choice) {
  Json json;
  int nodes = 0;
  for (const auto& [op, count] : operators) nodes += count;
  json["nodes"] = nodes;
  json["operators"] = operators;
  json["inputs"] = Describe(model.inputs());
  json["outputs"] = Describe(model.outputs());
  json["parameters"] = model.num_parameters();
  json["input_shapes"] = Json::object();
  const absl::StatusOr<double> flops = CountFlops(model, choice, json["input_shapes"]);
  if (flops.ok()) {
    json["flops"] = *flops;
  } else {
    json["flops_unknown"] = std::string(flops.status().message());
  }
  return json;
}

std::string ShapeText(const Json& shape) {
  std::string text;
  for (const Json& dim : shape) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", dim.is_string() ? dim.get<std::string>() : dim.dump());
  }
  return absl::StrCat("[", text, "]");
}

void PrintText(const Json& json, std::ostream& out) {
  for (const char* kind : {"inputs", "outputs"}) {
    out << kind << ":\n";
    for (const Json& spec : json[kind]) {
      out << absl::StrFormat("  %-24s %-8s %s\n", spec["name"].get<std::string>(), spec["datatype"].get<std::string>(),
                             ShapeText(spec["shape"]));
    }
  }
  out << "operators: " << json["nodes"] << "\n";
  for (const auto& [op, count] : json["operators"].items()) {
    out << absl::StrFormat("  %-24s %d\n", op, count.get<int>());
  }
  out << "parameters: " << json["parameters"] << "\n";
  std::string shapes;
  for (const auto& [name, shape] : json["input_shapes"].items()) {
    absl::StrAppend(&shapes, shapes.empty() ? "" : ", ", name, " ", ShapeText(shape));
  }
  if (json.contains("flops")) {
    out << absl::StrFormat("flops: %.4g for %s\n", json["flops"].get<double>(), shapes);
  } else {
    out << "flops: unknown: " << json["flops_unknown"].get<std::string>() << "\n";
  }
}

}  // namespace

absl::Status Inspect(const InspectOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(Graph graph, ReadModelFile(options.file));
  std::map<std::string, int> operators;
  for (const Node& node : graph.nodes()) ++operators[node.op];
  ASSIGN_OR_RETURN(const std::shared_ptr<Model> model, Model::FromGraph(std::move(graph)));
  const Json json = DescribeModel(operators, *model, options.shapes);
  if (options.json) {
    out << json.dump(2) << "\n";
  } else {
    PrintText(json, out);
  }
  return absl::OkStatus();
}

}  // namespace beak::tools
