#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/status.h"
#include "engine/graph/attribute.h"
#include "engine/graph/lexer.h"
#include "engine/tensor/tensor.h"

namespace beak {

// One line of the graph's text form, read from left to right: what statements are made of. Errors are INVALID_ARGUMENT
// ("expected X, got Y"). *Thread-compatible.*
class LineReader {
 public:
  static absl::StatusOr<LineReader> Create(std::string_view line);

  // The token `ahead` of the next one; kEnd behind the last.
  const Token& Peek(size_t ahead = 0) const;
  bool AtEnd() const { return Peek().kind == Token::kEnd; }
  bool AtName() const { return Peek().kind == Token::kWord || Peek().kind == Token::kQuoted; }
  Token Take();
  bool TakeIf(char mark);
  absl::Status Expect(char mark);
  // The error that something else stands here.
  absl::Status Unexpected(const char* expected) const;

  absl::StatusOr<std::string> ParseName();
  absl::StatusOr<DType> ParseType();
  absl::StatusOr<PartialShape> ParseShape();
  absl::StatusOr<Shape> ParseStaticShape();
  // `{1, 2}` or `fill 1`
  absl::StatusOr<Tensor> ParseElements(DType dtype, const Shape& shape);
  absl::StatusOr<Attribute> ParseAttributeValue();

  // Items between `open` and `close`, with commas between them; item() parses one.
  template <typename Item>
  absl::Status ParseList(char open, char close, Item item) {
    RETURN_IF_ERROR(Expect(open));
    if (TakeIf(close)) return absl::OkStatus();
    do {
      RETURN_IF_ERROR(item());
    } while (TakeIf(','));
    return Expect(close);
  }

 private:
  explicit LineReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  absl::StatusOr<Dim> ParseDim();
  template <typename T>
  absl::StatusOr<T> ParseItem();
  template <typename T>
  absl::StatusOr<Attribute> ParseScalar();
  template <typename T>
  absl::StatusOr<Attribute> ParseAttributeList();

  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace beak
