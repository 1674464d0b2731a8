#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/graph/text.h"
#include "engine/ops/op.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

absl::Status Verify(const std::string& line) {
  absl::StatusOr<Graph> graph = ParseGraph("input x float32 [2]\n" + line);
  EXPECT_TRUE(graph.ok()) << graph.status();
  return VerifyOperators(*graph);
}

TEST(VerifyOperatorsTest, AcceptsWhatTheTableAllows) {
  EXPECT_THAT(Verify("y = Conv(x, x) {auto_pad = \"VALID\", group = 1, strides = [1]}"), IsOk());
  EXPECT_THAT(Verify("y = Clip(x, , x)"), IsOk());
  EXPECT_THAT(Verify("y = Sum(x, x, x, x, x)"), IsOk());
  EXPECT_THAT(Verify("a, , b = Split(x)"), IsOk());
}

TEST(VerifyOperatorsTest, NamesNodeOperatorAndAttribute) {
  EXPECT_THAT(Verify("y = Einsum(x)"),
              StatusIs(absl::StatusCode::kUnimplemented, "node 'y' (Einsum): operator 'Einsum': not known"));
  EXPECT_THAT(
      Verify("y = Relu(x) {slope = 1}"),
      StatusIs(absl::StatusCode::kUnimplemented, "node 'y' (Relu): attribute 'slope': not known for this operator"));
}

TEST(VerifyOperatorsTest, RefusesWrongNumbersOfValues) {
  EXPECT_THAT(Verify("y = Relu(x, x)"),
              StatusIs(absl::StatusCode::kInvalidArgument, "node 'y' (Relu): inputs: expected 1, got 2"));
  EXPECT_THAT(Verify("y = Conv(x)"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inputs: expected 2 to 3, got 1")));
  EXPECT_THAT(Verify("y = Conv(x, )"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("input 1: expected one, got none")));
  EXPECT_THAT(Verify("y = Concat() {axis = 0}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inputs: expected 1 or more, got 0")));
  EXPECT_THAT(Verify("y = Concat(x, , x) {axis = 0}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("input 1: expected one, got none")));
  EXPECT_THAT(Verify("y, z = Relu(x)"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outputs: expected 1, got 2")));
  EXPECT_THAT(Verify("= Relu(x)"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outputs: expected 1, got 0")));
}

TEST(VerifyOperatorsTest, RefusesWrongAttributes) {
  EXPECT_THAT(Verify("y = Softmax(x) {axis = 1.0}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attribute 'axis': expected int, got float")));
  EXPECT_THAT(Verify("y = Conv(x, x) {strides = 1}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attribute 'strides': expected ints, got int")));
  EXPECT_THAT(Verify("y = Concat(x)"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("attribute 'axis': expected one, got none")));
  EXPECT_THAT(Verify("y = Pad(x, x) {mode = \"mirror\"}"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("attribute 'mode': expected one of 'constant', 'reflect', 'edge', 'wrap', got "
                                 "'mirror'")));
}

}  // namespace
}  // namespace beak
