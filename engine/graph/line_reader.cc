#include "engine/graph/line_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <type_traits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

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

}  // namespace

absl::StatusOr<LineReader> LineReader::Create(std::string_view line) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, LexLine(line));
  return LineReader(std::move(tokens));
}

const Token& LineReader::Peek(size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

Token LineReader::Take() {
  Token token = Peek();
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool LineReader::TakeIf(char mark) {
  if (!Peek().Is(mark)) return false;
  Take();
  return true;
}

absl::Status LineReader::Expect(char mark) {
  const char text[] = {'\'', mark, '\'', '\0'};
  return TakeIf(mark) ? absl::OkStatus() : Unexpected(text);
}

absl::Status LineReader::Unexpected(const char* expected) const {
  return absl::InvalidArgumentError(absl::StrCat("expected ", expected, ", got ", Describe(Peek())));
}

absl::StatusOr<std::string> LineReader::ParseName() {
  if (!AtName()) return Unexpected("a name");
  return Take().text;
}

absl::StatusOr<DType> LineReader::ParseType() {
  const std::optional<DType> dtype = ParseDType(Peek().text);
  if (!dtype) return Unexpected("an element type");
  Take();
  return *dtype;
}

absl::StatusOr<PartialShape> LineReader::ParseShape() {
  PartialShape shape;
  RETURN_IF_ERROR(ParseList('[', ']', [&]() -> absl::Status {
    ASSIGN_OR_RETURN(Dim dim, ParseDim());
    shape.push_back(std::move(dim));
    return absl::OkStatus();
  }));
  return shape;
}

absl::StatusOr<Dim> LineReader::ParseDim() {
  if (TakeIf('?')) return Dim();
  if (!AtName()) return Unexpected("a dimension");
  const Token token = Take();
  const bool number = token.kind == Token::kWord && (token.text[0] == '-' || absl::ascii_isdigit(token.text[0]));
  if (!number) return Dim::Symbol(token.text);
  ASSIGN_OR_RETURN(const int64_t value, ParseNumber<int64_t>(token));
  if (value < 0) return absl::InvalidArgumentError(absl::StrCat("dimension: expected 0 or more, got ", value));
  return Dim(value);
}

absl::StatusOr<Shape> LineReader::ParseStaticShape() {
  ASSIGN_OR_RETURN(const PartialShape shape, ParseShape());
  if (!IsStatic(shape)) return absl::InvalidArgumentError("shape of a constant: expected numbers");
  return ToShape(shape);
}

absl::StatusOr<Tensor> LineReader::ParseElements(DType dtype, const Shape& shape) {
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

template <typename T>
absl::StatusOr<T> LineReader::ParseItem() {
  if constexpr (std::is_same_v<T, std::string>) {
    if (Peek().kind != Token::kQuoted) return Unexpected("a string in quotes");
    return Take().text;
  } else {
    return ParseNumber<T>(Take());
  }
}

template <typename T>
absl::StatusOr<Attribute> LineReader::ParseScalar() {
  ASSIGN_OR_RETURN(const T value, ParseItem<T>());
  return Attribute(value);
}

template <typename T>
absl::StatusOr<Attribute> LineReader::ParseAttributeList() {
  std::vector<T> list;
  RETURN_IF_ERROR(ParseList('[', ']', [&]() -> absl::Status {
    ASSIGN_OR_RETURN(T item, ParseItem<T>());
    list.push_back(std::move(item));
    return absl::OkStatus();
  }));
  return Attribute(std::move(list));
}

absl::StatusOr<Attribute> LineReader::ParseAttributeValue() {
  if (Peek().kind == Token::kQuoted) return Attribute(Take().text);
  if (Peek().Is('[')) {
    if (Peek(1).kind == Token::kQuoted) return ParseAttributeList<std::string>();
    if (IsFloatLiteral(Peek(1))) return ParseAttributeList<float>();
    return ParseAttributeList<int64_t>();
  }
  if (Peek().text == "floats" || Peek().text == "strings") {
    return Take().text == "floats" ? ParseAttributeList<float>() : ParseAttributeList<std::string>();
  }
  if (ParseDType(Peek().text)) {
    ASSIGN_OR_RETURN(const DType dtype, ParseType());
    ASSIGN_OR_RETURN(const Shape shape, ParseStaticShape());
    ASSIGN_OR_RETURN(Tensor tensor, ParseElements(dtype, shape));
    return Attribute(std::move(tensor));
  }
  if (IsFloatLiteral(Peek())) return ParseScalar<float>();
  return ParseScalar<int64_t>();
}

}  // namespace beak
