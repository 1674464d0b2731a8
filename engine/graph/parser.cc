#include <algorithm>
#include <charconv>
#include <type_traits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "engine/base/status.h"
#include "engine/graph/lexer.h"
#include "engine/graph/text.h"

namespace beak {
namespace {

std::string Describe(const Token& token) {
  return token.kind == Token::kEnd ? "the end of the line" : absl::StrCat("'", absl::CHexEscape(token.text), "'");
}

template <typename T>
absl::StatusOr<T> ParseNumber(const Token& token) {
  T value{};
  const char* end = token.text.data() + token.text.size();
  const auto [stop, error] = std::from_chars(token.text.data(), end, value);
  if (token.kind != Token::kWord || error != std::errc() || stop != end) {
    return absl::InvalidArgumentError(absl::StrCat("expected a number, got ", Describe(token)));
  }
  return value;
}

bool IsFloatLiteral(const Token& token) {
  return token.kind == Token::kWord && token.text.find_first_of(".enEN") != std::string::npos;
}

// One element of a tensor, into element i.
absl::Status ParseElement(const Token& token, int64_t i, Tensor& tensor) {
  if (tensor.dtype() == DType::kFloat16) {
    ASSIGN_OR_RETURN(const float value, ParseNumber<float>(token));
    tensor.mutable_values<uint16_t>()[i] = FloatToHalf(value);
    return absl::OkStatus();
  }
  return DispatchDType(tensor.dtype(), [&]<typename T>() -> absl::Status {
    using Number = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
    ASSIGN_OR_RETURN(const Number value, ParseNumber<Number>(token));
    tensor.mutable_values<T>()[i] = static_cast<T>(value);
    return absl::OkStatus();
  });
}

// Parses the statements of one graph, line by line.
class Parser {
 public:
  absl::Status ParseLine(std::string_view line) {
    ASSIGN_OR_RETURN(tokens_, LexLine(line));
    at_ = 0;
    if (Peek().kind == Token::kEnd) return absl::OkStatus();
    RETURN_IF_ERROR(ParseStatement());
    if (Peek().kind != Token::kEnd) return Unexpected("the end of the line");
    return absl::OkStatus();
  }

  Graph Finish() && { return std::move(graph_); }

 private:
  const Token& Peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  Token Take() {
    Token token = Peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool TakeIf(char mark) {
    if (!Peek().Is(mark)) return false;
    Take();
    return true;
  }
  absl::Status Unexpected(const char* expected) const {
    return absl::InvalidArgumentError(absl::StrCat("expected ", expected, ", got ", Describe(Peek())));
  }
  absl::Status Expect(char mark) {
    const char text[] = {'\'', mark, '\'', '\0'};
    return TakeIf(mark) ? absl::OkStatus() : Unexpected(text);
  }
  bool AtName() const { return Peek().kind == Token::kWord || Peek().kind == Token::kQuoted; }
  absl::StatusOr<std::string> ParseName() {
    if (!AtName()) return Unexpected("a name");
    return Take().text;
  }

  // Items between `open` and `close`, with commas between them.
  template <typename Item>
  absl::Status ParseList(char open, char close, Item item) {
    RETURN_IF_ERROR(Expect(open));
    if (TakeIf(close)) return absl::OkStatus();
    do {
      RETURN_IF_ERROR(item());
    } while (TakeIf(','));
    return Expect(close);
  }

  absl::Status ParseStatement() {
    const bool defines = Peek(1).Is('=') || Peek(1).Is(',');  // a value may be called "input"
    if (Peek().kind == Token::kWord && !defines) {
      if (Peek().text == "graph") return ParseGraphName();
      if (Peek().text == "input") return ParseInput();
      if (Peek().text == "const") return ParseConstant();
      if (Peek().text == "output") return ParseOutput();
    }
    return ParseNode();
  }

  absl::Status ParseGraphName() {
    Take();
    if (!graph_.name().empty() || graph_.num_values() != 0) {
      return absl::InvalidArgumentError("graph: expected first and once");
    }
    ASSIGN_OR_RETURN(const std::string name, ParseName());
    graph_ = Graph(name);
    return absl::OkStatus();
  }

  absl::Status ParseInput() {
    Take();
    ASSIGN_OR_RETURN(const std::string name, ParseNewName());
    TensorType type;
    ASSIGN_OR_RETURN(type.dtype, ParseType());
    if (Peek().Is('[')) {
      ASSIGN_OR_RETURN(type.shape, ParseShape());
    }
    graph_.AddInput(name, std::move(type));
    return absl::OkStatus();
  }

  absl::Status ParseConstant() {
    Take();
    ASSIGN_OR_RETURN(const std::string name, ParseNewName());
    ASSIGN_OR_RETURN(const DType dtype, ParseType());
    ASSIGN_OR_RETURN(const Shape shape, ParseStaticShape());
    if (TakeIf('=')) {
      ASSIGN_OR_RETURN(Tensor tensor, ParseElements(dtype, shape));
      graph_.AddConstant(name, std::move(tensor));
    } else {
      RETURN_IF_ERROR(CheckedByteSize(shape, dtype).status());
      graph_.AddConstant(name, Tensor::WithoutBytes(dtype, shape));
    }
    return absl::OkStatus();
  }

  absl::Status ParseOutput() {
    Take();
    ASSIGN_OR_RETURN(const ValueId id, ParseUse());
    graph_.AddOutput(id);
    return absl::OkStatus();
  }

  absl::Status ParseNode() {
    std::vector<std::string> outputs;
    do {
      outputs.push_back(AtName() ? Take().text : "");
    } while (TakeIf(','));
    if (outputs.size() == 1 && outputs[0].empty()) outputs.clear();
    RETURN_IF_ERROR(Expect('='));
    Node node;
    ASSIGN_OR_RETURN(node.op, ParseName());
    ASSIGN_OR_RETURN(node.inputs, ParseInputs());
    if (Peek().Is('{')) RETURN_IF_ERROR(ParseList('{', '}', [&] { return ParseAttribute(node.attributes); }));
    for (const std::string& output : outputs) {
      if (!output.empty()) RETURN_IF_ERROR(CheckNew(output));
      node.outputs.push_back(output.empty() ? kNoValue : graph_.AddValue(output));
      if (node.name.empty()) node.name = output;
    }
    graph_.AddNode(std::move(node));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<ValueId>> ParseInputs() {
    std::vector<ValueId> inputs;
    RETURN_IF_ERROR(ParseList('(', ')', [&]() -> absl::Status {
      ValueId id = kNoValue;
      if (AtName()) {
        ASSIGN_OR_RETURN(id, ParseUse());
      }
      inputs.push_back(id);
      return absl::OkStatus();
    }));
    return inputs;
  }

  absl::Status CheckNew(const std::string& name) const {
    if (graph_.FindValue(name) == kNoValue) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("value '", name, "': expected one definition, got a second one"));
  }

  absl::StatusOr<std::string> ParseNewName() {
    ASSIGN_OR_RETURN(std::string name, ParseName());
    RETURN_IF_ERROR(CheckNew(name));
    return name;
  }

  absl::StatusOr<ValueId> ParseUse() {
    ASSIGN_OR_RETURN(const std::string name, ParseName());
    const ValueId id = graph_.FindValue(name);
    if (id != kNoValue) return id;
    return absl::InvalidArgumentError(absl::StrCat("value '", name, "': expected a definition before its use"));
  }

  absl::StatusOr<DType> ParseType() {
    const std::optional<DType> dtype = ParseDType(Peek().text);
    if (!dtype) return Unexpected("an element type");
    Take();
    return *dtype;
  }

  absl::StatusOr<PartialShape> ParseShape() {
    PartialShape shape;
    RETURN_IF_ERROR(ParseList('[', ']', [&]() -> absl::Status {
      ASSIGN_OR_RETURN(Dim dim, ParseDim());
      shape.push_back(std::move(dim));
      return absl::OkStatus();
    }));
    return shape;
  }

  absl::StatusOr<Dim> ParseDim() {
    if (TakeIf('?')) return Dim();
    if (!AtName()) return Unexpected("a dimension");
    const Token token = Take();
    const bool number = token.kind == Token::kWord && (token.text[0] == '-' || absl::ascii_isdigit(token.text[0]));
    if (!number) return Dim::Symbol(token.text);
    ASSIGN_OR_RETURN(const int64_t value, ParseNumber<int64_t>(token));
    if (value < 0) return absl::InvalidArgumentError(absl::StrCat("dimension: expected 0 or more, got ", value));
    return Dim(value);
  }

  absl::StatusOr<Shape> ParseStaticShape() {
    ASSIGN_OR_RETURN(const PartialShape shape, ParseShape());
    if (!IsStatic(shape)) return absl::InvalidArgumentError("shape of a constant: expected numbers");
    return ToShape(shape);
  }

  // `{1, 2}` or `fill 1`.
  absl::StatusOr<Tensor> ParseElements(DType dtype, const Shape& shape) {
    ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, shape));
    int64_t count = 0;
    if (Peek().kind == Token::kWord && Peek().text == "fill") {
      Take();
      const Token element = Take();
      for (; count < tensor.num_elements(); ++count) RETURN_IF_ERROR(ParseElement(element, count, tensor));
      return tensor;
    }
    RETURN_IF_ERROR(ParseList('{', '}', [&]() -> absl::Status {
      if (count == tensor.num_elements()) return Unexpected("no more elements");
      return ParseElement(Take(), count++, tensor);
    }));
    if (count == tensor.num_elements()) return tensor;
    return absl::InvalidArgumentError(absl::StrCat("elements: expected ", tensor.num_elements(), ", got ", count));
  }

  absl::Status ParseAttribute(AttributeMap& attributes) {
    ASSIGN_OR_RETURN(const std::string name, ParseName());
    RETURN_IF_ERROR(Expect('='));
    ASSIGN_OR_RETURN(Attribute value, ParseAttributeValue());
    if (attributes.emplace(name, std::move(value)).second) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("attribute '", name, "': expected once, got twice"));
  }

  absl::StatusOr<Attribute> ParseAttributeValue() {
    if (Peek().kind == Token::kQuoted) return Attribute(Take().text);
    if (Peek().Is('[')) {
      if (Peek(1).kind == Token::kQuoted) return ParseAttributeList<std::string>();
      if (IsFloatLiteral(Peek(1))) return ParseAttributeList<float>();
      return ParseAttributeList<int64_t>();
    }
    if (Peek().text == "floats") return ParseTaggedList<float>();
    if (Peek().text == "strings") return ParseTaggedList<std::string>();
    if (ParseDType(Peek().text)) {
      ASSIGN_OR_RETURN(const DType dtype, ParseType());
      ASSIGN_OR_RETURN(const Shape shape, ParseStaticShape());
      ASSIGN_OR_RETURN(Tensor tensor, ParseElements(dtype, shape));
      return Attribute(std::move(tensor));
    }
    if (IsFloatLiteral(Peek())) return ParseScalar<float>();
    return ParseScalar<int64_t>();
  }

  template <typename T>
  absl::StatusOr<T> ParseItem() {
    if constexpr (std::is_same_v<T, std::string>) {
      if (Peek().kind != Token::kQuoted) return Unexpected("a string in quotes");
      return Take().text;
    } else {
      return ParseNumber<T>(Take());
    }
  }

  template <typename T>
  absl::StatusOr<Attribute> ParseScalar() {
    ASSIGN_OR_RETURN(const T value, ParseItem<T>());
    return Attribute(value);
  }

  template <typename T>
  absl::StatusOr<Attribute> ParseTaggedList() {
    Take();
    return ParseAttributeList<T>();
  }

  template <typename T>
  absl::StatusOr<Attribute> ParseAttributeList() {
    std::vector<T> list;
    RETURN_IF_ERROR(ParseList('[', ']', [&]() -> absl::Status {
      ASSIGN_OR_RETURN(T item, ParseItem<T>());
      list.push_back(std::move(item));
      return absl::OkStatus();
    }));
    return Attribute(std::move(list));
  }

  Graph graph_;
  std::vector<Token> tokens_ = {Token()};
  size_t at_ = 0;
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
