#include "engine/job/network_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/graph/verify.h"
#include "engine/onednn/backend.h"
#include "engine/ops/op.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Parse;
using testing::RandomTensor;
using testing::RunGraph;
using testing::SameBits;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

const Tensor& ConstantOf(const Graph& graph, const std::string& name) {
  return *graph.ConstantOf(graph.FindValue(name));
}

Graph Network(const std::string& lines) {
  Graph graph = Parse(absl::StrCat("graph g\n", lines));
  EXPECT_OK(InferShapes(graph));
  return graph;
}

// What the network gives for two samples.
Shape OutputShape(const Graph& graph, const Shape& input) {
  EXPECT_OK(VerifyStructure(graph));
  const absl::StatusOr<std::vector<Tensor>> outputs = RunGraph(graph, {RandomTensor(input, 1)}, CpuBackend());
  EXPECT_THAT(outputs, testing::IsOk());
  return outputs.ok() ? (*outputs)[0].shape() : Shape{};
}

void ExpectGlorot(const Tensor& weights, double fan_in, double fan_out) {
  const double limit = std::sqrt(6 / (fan_in + fan_out));
  double largest = 0;
  for (const float value : weights.values<float>()) largest = std::max(largest, std::abs(double{value}));
  EXPECT_LE(largest, limit);
  EXPECT_GT(largest, limit / 2);
}

TEST(ReplaceHeadTest, OfADenseLayer) {
  Graph graph = Network(R"(
    input x float32 [n, 6]
    const w1 float32 [4, 6] = fill 1
    const b1 float32 [4] = fill 1
    h = Gemm(x, w1, b1) {transB = 1}
    r = Relu(h)
    const w2 float32 [10, 4] = fill 1
    const b2 float32 [10] = fill 1
    l = Gemm(r, w2, b2) {transB = 1}
    y = Softmax(l)
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(3, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w2", "b2"));
  EXPECT_EQ(ConstantOf(graph, "w2").shape(), (Shape{3, 4}));
  ExpectGlorot(ConstantOf(graph, "w2"), 4, 3);
  EXPECT_THAT(ConstantOf(graph, "b2").values<float>(), ElementsAre(0, 0, 0));
  EXPECT_THAT(ConstantOf(graph, "w1").values<float>(), Each(1)) << "nothing else changes";
  EXPECT_EQ(ToString(*graph.value(graph.FindValue("y")).type.shape), "[n, 3]");
  EXPECT_EQ(OutputShape(graph, {2, 6}), (Shape{2, 3}));
}

TEST(ReplaceHeadTest, OfAProductWithItsBiasBehindIt) {
  Graph graph = Network(R"(
    input x float32 [n, 6]
    const w float32 [6, 10] = fill 1
    m = MatMul(x, w)
    const b float32 [1, 10] = fill 1
    a = Add(b, m)
    const temperature float32 [] = fill 0.5
    y = Mul(a, temperature)
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(3, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w", "b"));
  EXPECT_EQ(ConstantOf(graph, "b").shape(), (Shape{1, 3}));
  EXPECT_THAT(ConstantOf(graph, "b").values<float>(), Each(0));
  EXPECT_THAT(ConstantOf(graph, "temperature").values<float>(), ElementsAre(0.5f));
  EXPECT_EQ(OutputShape(graph, {2, 6}), (Shape{2, 3}));
}

TEST(ReplaceHeadTest, OfAConvolutionBeforeAPool) {
  Graph graph = Network(R"(
    input x float32 [n, 4, 5, 5]
    const w float32 [10, 4, 1, 1] = fill 1
    const b float32 [10] = fill 1
    c = Conv(x, w, b)
    r = Relu(c)
    d = Dropout(r)
    p = GlobalAveragePool(d)
    const t int64 [2] = {-1, 10}
    f = Reshape(p, t)
    y = LogSoftmax(f)
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(2, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w", "b"));
  ExpectGlorot(ConstantOf(graph, "w"), 4, 2);
  EXPECT_THAT(ConstantOf(graph, "t").values<int64_t>(), ElementsAre(-1, 2));
  EXPECT_EQ(OutputShape(graph, {2, 4, 5, 5}), (Shape{2, 2}));
}

TEST(ReplaceHeadTest, WhatNormalisesItBeginsAnew) {
  Graph graph = Network(R"(
    input x float32 [n, 4, 5, 5]
    const w float32 [10, 4, 3, 3] = fill 1
    c = Conv(x, w)
    const s float32 [10] = fill 5
    const b float32 [10] = fill 5
    const m float32 [10] = fill 5
    const v float32 [10] = fill 5
    n1 = BatchNormalization(c, s, b, m, v)
    const slope float32 [10, 1, 1] = fill 5
    a = PRelu(n1, slope)
    const axes int64 [2] = {2, 3}
    y = ReduceMean(a, axes) {keepdims = 0}
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(3, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w", "s", "b", "m", "v", "slope"));
  for (const char* const name : {"s", "v"}) EXPECT_THAT(ConstantOf(graph, name).values<float>(), ElementsAre(1, 1, 1));
  for (const char* const name : {"b", "m"}) EXPECT_THAT(ConstantOf(graph, name).values<float>(), ElementsAre(0, 0, 0));
  EXPECT_EQ(ConstantOf(graph, "slope").shape(), (Shape{3, 1, 1}));
  EXPECT_EQ(OutputShape(graph, {2, 4, 5, 5}), (Shape{2, 3}));
}

TEST(ReplaceHeadTest, OfATransposedConvolutionAndAnEnlargedMap) {
  Graph graph = Network(R"(
    input x float32 [n, 4, 5, 5]
    const w float32 [4, 10, 2, 2] = fill 1
    c = ConvTranspose(x, w) {strides = [2, 2]}
    const sizes float32 [4] = {1, 1, 2, 2}
    u = Resize(c, , sizes) {mode = "nearest"}
    y = Transpose(u) {perm = [0, 2, 3, 1]}
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(3, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w"));
  EXPECT_EQ(ConstantOf(graph, "w").shape(), (Shape{4, 3, 2, 2}));
  EXPECT_EQ(OutputShape(graph, {2, 4, 5, 5}), (Shape{2, 20, 20, 3}));
}

TEST(ReplaceHeadTest, FromOneOutputToMany) {
  Graph graph = Network(R"(
    input x float32 [n, 4]
    const w float32 [4, 1] = fill 1
    m = MatMul(x, w)
    const b float32 [1] = fill 1
    a = Add(m, b)
    const t int64 [2] = {-1, 1}
    f = Reshape(a, t)
    const half float32 [1] = fill 0.5
    y = Mul(f, half)
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(3, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w", "b"));
  EXPECT_EQ(ConstantOf(graph, "b").shape(), (Shape{3})) << "a bias each";
  EXPECT_EQ(ConstantOf(graph, "half").shape(), (Shape{1})) << "one factor for all";
  EXPECT_EQ(OutputShape(graph, {2, 4}), (Shape{2, 3}));
}

TEST(ReplaceHeadTest, AsManyUnitsAsBeforeBeginAnewToo) {
  const std::string text =
      "input x float32 [n, 4]\nconst w float32 [4, 3] = fill 1\nconst b float32 [3] = fill 1\n"
      "y = Gemm(x, w, b)\noutput y";
  Graph a = Network(text), b = Network(text), c = Network(text);
  ASSERT_OK(ReplaceHead(3, 7, a));
  ASSERT_OK(ReplaceHead(3, 7, b));
  ASSERT_OK(ReplaceHead(3, 8, c));
  ExpectGlorot(ConstantOf(a, "w"), 4, 3);
  EXPECT_THAT(ConstantOf(a, "b").values<float>(), Each(0));
  EXPECT_TRUE(SameBits(ConstantOf(a, "w"), ConstantOf(b, "w")));
  EXPECT_FALSE(SameBits(ConstantOf(a, "w"), ConstantOf(c, "w")));
}

TEST(ReplaceHeadTest, WeightsThatOthersReadStayForThem) {
  Graph graph = Network(R"(
    input x float32 [n, 4]
    const w float32 [4, 4] = fill 1
    h = MatMul(x, w)
    y = MatMul(h, w)
    output y)");
  ASSERT_OK_AND_ASSIGN(const auto fresh, ReplaceHead(3, 7, graph));
  EXPECT_THAT(fresh, UnorderedElementsAre("w/head"));
  EXPECT_EQ(ConstantOf(graph, "w").shape(), (Shape{4, 4}));
  EXPECT_EQ(OutputShape(graph, {2, 4}), (Shape{2, 3}));
}

TEST(ReplaceHeadTest, SaysWhereItCannotBeDone) {
  struct Case {
    const char* network;
    const char* error;
  };
  const Case cases[] = {
      {"input x float32 [n, 4]\na = Relu(x)\nb = Abs(x)\noutput a\noutput b",
       "expected a network with one output, got 2"},
      {"input x float32 [n, 4]\ny = Relu(x)\noutput y", "got 'x', which no node computes"},
      {"input x float32 [n, 4]\nconst w float32 [4, 2] = fill 1\na = MatMul(x, w)\ny = Concat(a, a) {axis = 1}\n"
       "output y",
       "node 'y' (Concat): expected the head, or an activation"},
      {"input x float32 [n, 4]\nconst w float32 [4, 2] = fill 1\na = MatMul(x, w)\nb = Relu(a)\ny = Mul(a, b)\n"
       "output y",
       "node 'y' (Mul): expected the head"},
      {"input x float32 [n, 4]\ninput w float32 [4, 2]\ny = MatMul(x, w)\noutput y",
       "node 'y' (MatMul): expected constant weights"},
      {"input x float32 [n, 4, 5, 5]\nconst w float32 [4, 1, 3, 3] = fill 1\ny = Conv(x, w) {group = 4}\noutput y",
       "node 'y' (Conv): expected a layer without groups"},
      {"input x float32 [n, 4]\nconst w float32 [4, 6] = fill 1\na = MatMul(x, w)\nconst t int64 [3] = {0, 3, 2}\n"
       "y = Reshape(a, t)\noutput y",
       "node 'y' (Reshape): expected a dimension with the head's 6 outputs, got [n, 3, 2]"},
      {"input x float32 [n, 4]\ninput b float32 [2]\nconst w float32 [4, 2] = fill 1\ny = Gemm(x, w, b)\noutput y",
       "node 'y' (Gemm): expected a constant bias"},
  };
  for (const Case& one : cases) {
    Graph graph = Network(one.network);
    EXPECT_THAT(ReplaceHead(3, 7, graph), StatusIs(kInvalid, HasSubstr(one.error)));
  }
}

TEST(ReplaceHeadTest, ShapesHaveToAgreeWithTheNewNumber) {
  Graph graph = Network(R"(
    input x float32 [n, 4]
    const w float32 [4, 6] = fill 1
    m = MatMul(x, w)
    y = Softmax(m)
    z = Add(m, y)
    const w2 float32 [6, 6] = fill 1
    q = MatMul(z, w2)
    const pair float32 [6] = fill 1
    s = Sub(q, pair)
    output s)");
  ASSERT_OK(ReplaceHead(3, 7, graph)) << "the branches are before the head";
  EXPECT_EQ(ConstantOf(graph, "w").shape(), (Shape{4, 6}));
  EXPECT_EQ(ConstantOf(graph, "pair").shape(), (Shape{3}));
}

}  // namespace
}  // namespace beak
