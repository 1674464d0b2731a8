#include "engine/formats/onnx/wire_limits.h"

#include <gtest/gtest.h>

#include "tests/engine/formats/onnx/model_builder.h"
#include "tests/support/status_matchers.h"

namespace beak::onnx_format {
namespace {

using testing::IsOk;
using testing::StatusIs;

// A field of wire type 2 with a length that fits one, two or more bytes.
std::string Field(int number, const std::string& contents) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  for (size_t rest = contents.size(); bytes.size() == 1 || rest > 0; rest >>= 7) {
    bytes.push_back(static_cast<char>((rest & 127) | (rest >= 128 ? 128 : 0)));
  }
  return bytes + contents;
}

std::string Repeat(const std::string& text, int times) {
  std::string bytes;
  for (int i = 0; i < times; ++i) bytes += text;
  return bytes;
}

TEST(WireLimitsTest, OrdinaryModelsPass) {
  testing::ModelBuilder builder(13);
  builder.Input("x", {2})
      .Initializer("w", testing::FloatTensor({2}, {1, 2}))
      .Node("Add", {"x", "w"}, {"y"})
      .Output("y");
  EXPECT_THAT(CheckModelWire(builder.Bytes()), IsOk());
}

TEST(WireLimitsTest, FieldsThatNobodyReadsArePassedOver) {
  EXPECT_THAT(CheckModelWire(Field(15, std::string(1000, '\xff'))), IsOk());
}

TEST(WireLimitsTest, FloodsOfEmptyMessagesAreRefused) {
  // 4 MB of nodes that take a hundred times that in memory.
  EXPECT_THAT(CheckModelWire(Field(7, Repeat(Field(1, ""), 2'000'001))),
              StatusIs(absl::StatusCode::kResourceExhausted));
  // Of attributes in one node; of strings in one node.
  EXPECT_THAT(CheckModelWire(Field(7, Field(1, Repeat(Field(5, ""), 2'000'001)))),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CheckModelWire(Field(7, Field(1, Repeat(Field(1, ""), 2'000'001)))),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(WireLimitsTest, BrokenWireFormsAreDataLoss) {
  EXPECT_THAT(CheckModelWire("\x3a\x7f"), StatusIs(absl::StatusCode::kDataLoss));          // longer than the file
  EXPECT_THAT(CheckModelWire("\x3a\x02\x0a\x7f"), StatusIs(absl::StatusCode::kDataLoss));  // longer than its parent
  EXPECT_THAT(CheckModelWire(std::string(20, '\xff')), StatusIs(absl::StatusCode::kDataLoss));  // an endless number
  EXPECT_THAT(CheckModelWire(std::string("\0", 1)), StatusIs(absl::StatusCode::kDataLoss));     // field 0
  EXPECT_THAT(CheckModelWire("\x0c"), StatusIs(absl::StatusCode::kDataLoss));  // an end without its begin
  EXPECT_THAT(CheckModelWire(std::string(1000, '\x0b')), StatusIs(absl::StatusCode::kDataLoss));  // deep nesting
}

}  // namespace
}  // namespace beak::onnx_format
