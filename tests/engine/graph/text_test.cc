#include "engine/graph/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TextTest, PrintsWhatItParses) {
  const char* const text = R"(graph lecture
input x float32 [batch, 1, 28, ?]
input "a b" uint8
input s int64 []
const w float32 [2, 2] = {0.5, -1, 1e-05, 3e+20}
const i int64 [2] = {-9223372036854775808, 9223372036854775807}
const u uint64 [1] = {18446744073709551615}
const h float16 [2] = {1.5, -inf}
const b bool [2] = {1, 0}
const e int32 [0] = {}
const 7 float64 [] = {0.1}
const big float32 [25, 1, 3, 3]
y = Conv(x, w) {auto_pad = "VALID", strides = [1, 1]}
p, q = Split(y) {axis = -1}
z = Clip(p, , w)
t = Clip(p, )
r, , m = Dropout(q)
, k = Dropout(q)
n = Strange("a b", 7) {f = 1.0, fs = [0.5, 2.0], g = inf, none = [], nonef = floats [], nones = strings [], s = "a \"b\"\n\\", ss = ["x", "y"], t = int64 [2] {1, 2}, u = float32 [] {0.25}}
output z
output "a b"
)";
  const absl::StatusOr<Graph> graph = ParseGraph(text);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(PrintGraph(*graph), text);
}

TEST(TextTest, ReadsTheGraphItSays) {
  const absl::StatusOr<Graph> parsed = ParseGraph(
      "graph g  # a comment\n"
      "\n"
      "input x float32 [batch, 3]\n"
      "const c float32 [2, 3] = fill 0.5\n"
      "  y = Gemm ( x , c,) { alpha=2.0 ,transB = 1 }\r\n"
      "output y");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const Graph& graph = *parsed;
  EXPECT_EQ(graph.name(), "g");
  EXPECT_EQ(ToString(*graph.value(graph.FindValue("x")).type.shape), "[batch, 3]");
  EXPECT_THAT(graph.ConstantOf(graph.FindValue("c"))->values<float>(), ElementsAre(.5f, .5f, .5f, .5f, .5f, .5f));
  ASSERT_EQ(graph.nodes().size(), 1u);
  const Node& node = graph.nodes()[0];
  EXPECT_EQ(node.name, "y");
  EXPECT_EQ(node.op, "Gemm");
  EXPECT_THAT(node.inputs, ElementsAre(0, 1, kNoValue));
  EXPECT_EQ(node.Get<float>("alpha", 1.0f), 2.0f);
  EXPECT_EQ(node.Get<int64_t>("transB", 0), 1);
  EXPECT_FALSE(graph.value(node.outputs[0]).type.shape.has_value());
  EXPECT_THAT(graph.outputs(), ElementsAre(2));
}

TEST(TextTest, KeywordsMayNameValues) {
  const absl::StatusOr<Graph> graph = ParseGraph("input input float32\noutput = Relu(input)\noutput output\n");
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->nodes().size(), 1u);
  EXPECT_EQ(PrintGraph(*graph), "input input float32\noutput = Relu(input)\noutput output\n");
}

TEST(TextTest, SymbolsThatLookLikeNumbersAreQuoted) {
  Graph graph;
  graph.AddInput("x", {DType::kFloat32, PartialShape{Dim::Symbol("2n"), Dim::Symbol("-1"), Dim::Symbol("a b")}});
  const std::string text = PrintGraph(graph);
  EXPECT_EQ(text, "input x float32 [\"2n\", \"-1\", \"a b\"]\n");
  const absl::StatusOr<Graph> again = ParseGraph(text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(PrintGraph(*again), text);
}

TEST(TextTest, LargeConstantsAreElidedUnlessAsked) {
  Graph graph;
  graph.AddConstant("w", Tensor::Of<int32_t>({17}, std::vector<int32_t>(17, 3)));
  EXPECT_EQ(PrintGraph(graph), "const w int32 [17]\n");
  EXPECT_EQ(PrintGraph(graph, true), "const w int32 [17] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}\n");
}

TEST(TextTest, FloatsSurviveTheRoundTrip) {
  using Limits = std::numeric_limits<float>;
  const std::vector<float> values = {0.1f,          1.0f / 3,           -0.0f, Limits::denorm_min(), Limits::max(),
                                     Limits::min(), Limits::infinity(), 1e20f, Limits::quiet_NaN()};
  Graph graph;
  graph.AddConstant("w", Tensor::Of<float>({static_cast<int64_t>(values.size())}, values));
  const absl::StatusOr<Graph> again = ParseGraph(PrintGraph(graph));
  ASSERT_TRUE(again.ok()) << again.status();
  const std::span<const float> read = again->ConstantOf(0)->values<float>();
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    EXPECT_EQ(read[i], values[i]);
    EXPECT_EQ(std::signbit(read[i]), std::signbit(values[i]));
  }
  EXPECT_TRUE(std::isnan(read.back()));
}

struct BadText {
  const char* text;
  const char* message;
};

class BadTextTest : public ::testing::TestWithParam<BadText> {};

TEST_P(BadTextTest, IsRefusedWithItsLine) {
  const absl::StatusOr<Graph> graph = ParseGraph(GetParam().text);
  ASSERT_FALSE(graph.ok()) << GetParam().text;
  EXPECT_EQ(graph.status().code() == absl::StatusCode::kInvalidArgument ||
                graph.status().code() == absl::StatusCode::kResourceExhausted,
            true)
      << graph.status();
  EXPECT_THAT(std::string(graph.status().message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadTextTest,
    ::testing::Values(
        BadText{"\n\nwhat", "line 3: expected '=', got the end of the line"},
        BadText{"y = Relu(x)", "line 1: value 'x': expected a definition before its use"},
        BadText{"output x", "value 'x': expected a definition"},
        BadText{"input x float32\ninput x float32", "line 2: value 'x': expected one definition"},
        BadText{"input x float32\nx = Relu(x)", "value 'x': expected one definition"},
        BadText{"input x float32\ngraph g", "line 2: graph: expected first"},
        BadText{"input x real", "expected an element type, got 'real'"},
        BadText{"input x float32 [1, ", "expected a dimension, got the end"},
        BadText{"input x float32 [-1]", "dimension: expected 0 or more, got -1"},
        BadText{"input x float32 [99999999999999999999]", "expected a number, got '99999999999999999999'"},
        BadText{"input x float32 [1] 2", "expected the end of the line, got '2'"},
        BadText{"const c float32 [n] = fill 0", "shape of a constant: expected numbers"},
        BadText{"const c float32 [2] = {1}", "elements: expected 2, got 1"},
        BadText{"const c float32 [2] = {1, 2, 3}", "expected no more elements, got '3'"},
        BadText{"const c int8 [1] = {300}", "expected a number, got '300'"},
        BadText{"const c int8 [1] = {1.5}", "expected a number, got '1.5'"},
        BadText{"const c float32 [1] = {\"1\"}", "expected a number, got '1'"},
        BadText{"const c float32 [4000000000, 4000000000] = fill 0", "expected at most"},
        BadText{"y = Op() {a = }", "expected a number, got '}'"}, BadText{"y = Op() {a = [1, \"b\"]}", "got 'b'"},
        BadText{"y = Op() {a = [\"b\", 1]}", "expected a string in quotes, got '1'"},
        BadText{"y = Op() {a = 1, a = 2}", "attribute 'a': expected once, got twice"},
        BadText{"y = Op(", "expected ')'"}, BadText{"y = Op() {a = \"b", "string: expected a closing quote"},
        BadText{"y = Op() {a = \"b\\", "string: expected a closing quote"},
        BadText{"y = Op() {a = \"\\q\"}", "string: expected C escapes"}, BadText{"y = Op() ;", "got ';'"},
        BadText{"y = (x)", "expected a name, got '('"}));

}  // namespace
}  // namespace beak
