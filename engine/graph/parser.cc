#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/graph/line_reader.h"
#include "engine/graph/text.h"

namespace beak {
namespace {

// Builds one graph from its statements.
class Parser {
 public:
  absl::Status ParseLine(std::string_view text) {
    ASSIGN_OR_RETURN(LineReader line, LineReader::Create(text));
    if (line.AtEnd()) return absl::OkStatus();
    RETURN_IF_ERROR(ParseStatement(line));
    return line.AtEnd() ? absl::OkStatus() : line.Unexpected("the end of the line");
  }

  Graph Finish() && { return std::move(graph_); }

 private:
  absl::Status ParseStatement(LineReader& line) {
    const bool defines = line.Peek(1).Is('=') || line.Peek(1).Is(',');  // a value may be called "input"
    if (line.Peek().kind == Token::kWord && !defines) {
      if (line.Peek().text == "graph") return ParseGraphName(line);
      if (line.Peek().text == "input") return ParseInput(line);
      if (line.Peek().text == "const") return ParseConstant(line);
      if (line.Peek().text == "output") return ParseOutput(line);
    }
    return ParseNode(line);
  }

  absl::Status ParseGraphName(LineReader& line) {
    line.Take();
    if (!graph_.name().empty() || graph_.num_values() != 0) {
      return absl::InvalidArgumentError("graph: expected first and once");
    }
    ASSIGN_OR_RETURN(const std::string name, line.ParseName());
    graph_ = Graph(name);
    return absl::OkStatus();
  }

  absl::Status ParseInput(LineReader& line) {
    line.Take();
    ASSIGN_OR_RETURN(const std::string name, ParseNewName(line));
    TensorType type;
    ASSIGN_OR_RETURN(type.dtype, line.ParseType());
    if (line.Peek().Is('[')) {
      ASSIGN_OR_RETURN(type.shape, line.ParseShape());
    }
    graph_.AddInput(name, std::move(type));
    return absl::OkStatus();
  }

  absl::Status ParseConstant(LineReader& line) {
    line.Take();
    ASSIGN_OR_RETURN(const std::string name, ParseNewName(line));
    ASSIGN_OR_RETURN(const DType dtype, line.ParseType());
    ASSIGN_OR_RETURN(const Shape shape, line.ParseStaticShape());
    if (line.TakeIf('=')) {
      ASSIGN_OR_RETURN(Tensor tensor, line.ParseElements(dtype, shape));
      graph_.AddConstant(name, std::move(tensor));
    } else {
      RETURN_IF_ERROR(CheckedByteSize(shape, dtype).status());
      graph_.AddConstant(name, Tensor::WithoutBytes(dtype, shape));
    }
    return absl::OkStatus();
  }

  absl::Status ParseOutput(LineReader& line) {
    line.Take();
    ASSIGN_OR_RETURN(const ValueId id, ParseUse(line));
    graph_.AddOutput(id);
    return absl::OkStatus();
  }

  absl::Status ParseNode(LineReader& line) {
    std::vector<std::string> outputs;
    do {
      outputs.push_back(line.AtName() ? line.Take().text : "");
    } while (line.TakeIf(','));
    if (outputs.size() == 1 && outputs[0].empty()) outputs.clear();
    RETURN_IF_ERROR(line.Expect('='));
    Node node;
    ASSIGN_OR_RETURN(node.op, line.ParseName());
    ASSIGN_OR_RETURN(node.inputs, ParseInputs(line));
    if (line.Peek().Is('{')) {
      RETURN_IF_ERROR(line.ParseList('{', '}', [&] { return ParseAttribute(line, node.attributes); }));
    }
    for (const std::string& output : outputs) {
      if (!output.empty()) RETURN_IF_ERROR(CheckNew(output));
      node.outputs.push_back(output.empty() ? kNoValue : graph_.AddValue(output));
      if (node.name.empty()) node.name = output;
    }
    graph_.AddNode(std::move(node));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<ValueId>> ParseInputs(LineReader& line) {
    std::vector<ValueId> inputs;
    RETURN_IF_ERROR(line.ParseList('(', ')', [&]() -> absl::Status {
      ValueId id = kNoValue;
      if (line.AtName()) {
        ASSIGN_OR_RETURN(id, ParseUse(line));
      }
      inputs.push_back(id);
      return absl::OkStatus();
    }));
    return inputs;
  }

  static absl::Status ParseAttribute(LineReader& line, AttributeMap& attributes) {
    ASSIGN_OR_RETURN(const std::string name, line.ParseName());
    RETURN_IF_ERROR(line.Expect('='));
    ASSIGN_OR_RETURN(Attribute value, line.ParseAttributeValue());
    if (attributes.emplace(name, std::move(value)).second) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("attribute '", name, "': expected once, got twice"));
  }

  absl::Status CheckNew(const std::string& name) const {
    if (graph_.FindValue(name) == kNoValue) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("value '", name, "': expected one definition, got a second one"));
  }

  absl::StatusOr<std::string> ParseNewName(LineReader& line) {
    ASSIGN_OR_RETURN(std::string name, line.ParseName());
    RETURN_IF_ERROR(CheckNew(name));
    return name;
  }

  absl::StatusOr<ValueId> ParseUse(LineReader& line) {
    ASSIGN_OR_RETURN(const std::string name, line.ParseName());
    const ValueId id = graph_.FindValue(name);
    if (id != kNoValue) return id;
    return absl::InvalidArgumentError(absl::StrCat("value '", name, "': expected a definition before its use"));
  }

  Graph graph_;
};

}  // namespace

absl::StatusOr<Graph> ParseGraph(std::string_view text) {
  Parser parser;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (absl::Status status = parser.ParseLine(text.substr(0, end)); !status.ok()) {
      return Annotate(status, absl::StrCat("line ", line));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(parser).Finish();
}

}  // namespace beak
