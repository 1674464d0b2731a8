#include "engine/job/imported_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/graph/verify.h"
#include "engine/onednn/backend.h"
#include "engine/ops/op.h"
#include "engine/train/training_graph.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using testing::Disagreement;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Parse;
using testing::RandomTensor;
using testing::RunGraph;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

Tensor Result(const Graph& graph, const Tensor& input) {
  const absl::StatusOr<std::vector<Tensor>> outputs = RunGraph(graph, {input}, CpuBackend());
  EXPECT_THAT(outputs, testing::IsOk());
  return outputs.ok() ? (*outputs)[0] : Tensor::Of<float>({0}, {});
}

std::string TypeOf(const Graph& graph, const std::string& name) {
  const TensorType& type = graph.value(graph.FindValue(name)).type;
  return absl::StrCat(NameOf(type.dtype), " ", ToString(*type.shape));
}

// ---------------------------------------------------------------- batches

// Row `i` of a batch gives what it gave alone.
void ExpectSameAsOneByOne(const Graph& one, const Graph& batched, const Shape& sample) {
  Shape shape = sample;
  shape[0] = 3;
  const Tensor inputs = RandomTensor(shape, 1);
  const Tensor together = Result(batched, inputs);
  const int64_t size = inputs.num_elements() / 3, result = together.num_elements() / 3;
  for (int64_t row = 0; row < 3; ++row) {
    const auto in = inputs.values<float>().subspan(row * size, size);
    const auto out = together.values<float>().subspan(row * result, result);
    const Tensor alone = Result(one, Tensor::Of<float>(sample, {in.begin(), in.end()}));
    EXPECT_LE(Disagreement(Tensor::Of<float>(alone.shape(), {out.begin(), out.end()}), alone, 1e-5, 1e-6), 1);
  }
}

TEST(MakeTrainableTest, OneSampleBecomesABatch) {
  const Graph one = Parse(R"(graph g
    input x float32 [1, 2, 4, 4]
    const w float32 [3, 2, 3, 3] = fill 0.1
    c = Conv(x, w)
    const flat int64 [2] = {1, 12}
    f = Reshape(c, flat)
    const w2 float32 [12, 5] = fill 0.1
    d = MatMul(f, w2)
    const open int64 [3] = {1, -1, 5}
    y = Reshape(d, open)
    output y)");
  Graph graph = one;
  ASSERT_OK(MakeTrainable(graph));
  EXPECT_EQ(TypeOf(graph, "x"), "float32 [batch, 2, 4, 4]");
  EXPECT_EQ(TypeOf(graph, "y"), "float32 [batch, 1, 5]");
  ExpectSameAsOneByOne(one, graph, {1, 2, 4, 4});
}

TEST(MakeTrainableTest, TargetsThatAreComputedFollowToo) {
  const Graph one = Parse(R"(graph g
    input x float32 [1, 4, 2]
    const a int64 [1] = {1}
    const b int64 [1] = {-1}
    flat = Concat(a, b) {axis = 0}
    y = Reshape(x, flat)
    output y)");
  Graph graph = one;
  ASSERT_OK(MakeTrainable(graph));
  EXPECT_EQ(TypeOf(graph, "y"), "float32 [batch, 8]");
  ExpectSameAsOneByOne(one, graph, {1, 4, 2});
}

TEST(MakeTrainableTest, ATargetThatSeveralNodesReadIsChangedForSamplesOnly) {
  Graph graph = Parse(R"(graph g
    input x float32 [1, 8]
    const t int64 [2] = {1, 8}
    const w float32 [8] = fill 1
    row = Reshape(w, t)
    r = Reshape(x, t)
    y = Add(r, row)
    output y)");
  ASSERT_OK(MakeTrainable(graph));
  EXPECT_EQ(TypeOf(graph, "y"), "float32 [batch, 8]");
  EXPECT_EQ(TypeOf(graph, "row"), "float32 [1, 8]");
}

TEST(MakeTrainableTest, FreeBatchesStayAsTheyAre) {
  Graph graph = Parse("graph g\ninput x float32 [rows, 4]\ny = Relu(x)\noutput y");
  ASSERT_OK(MakeTrainable(graph));
  EXPECT_EQ(TypeOf(graph, "y"), "float32 [rows, 4]");
}

TEST(MakeTrainableTest, WantsABatchInFront) {
  Graph eight = Parse("graph g\ninput x float32 [8, 4]\ny = Relu(x)\noutput y");
  EXPECT_THAT(MakeTrainable(eight), StatusIs(kInvalid, HasSubstr("input 'x': expected a first dimension for batches, "
                                                                 "free or 1 at all inputs and outputs, got [8, 4]")));
  Graph turned = Parse("graph g\ninput x float32 [1, 4]\ny = Transpose(x)\noutput y");
  EXPECT_THAT(MakeTrainable(turned), StatusIs(kInvalid, HasSubstr("got [1, 4]")));
  Graph scalar = Parse("graph g\ninput x float32 []\ny = Relu(x)\noutput y");
  EXPECT_THAT(MakeTrainable(scalar), StatusIs(kInvalid, HasSubstr("got []")));
}

// ---------------------------------------------------------------- types

TEST(MakeTrainableTest, HalvesBecomeWhole) {
  Graph graph = Parse(R"(graph g
    input x float16 [n, 3]
    const w float16 [3, 2] = {1, 2, 3, 4, 5, 6}
    y = MatMul(x, w)
    output y)");
  ASSERT_OK(MakeTrainable(graph));
  EXPECT_EQ(TypeOf(graph, "x"), "float32 [n, 3]");
  EXPECT_EQ(TypeOf(graph, "y"), "float32 [n, 2]");
  EXPECT_EQ(graph.nodes().size(), 1u) << "no Cast is left";
  EXPECT_THAT(graph.ConstantOf(graph.FindValue("w"))->values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Result(graph, Tensor::Of<float>({1, 3}, {1, 1, 1})).values<float>(), ElementsAre(9, 12));
}

TEST(MakeTrainableTest, IndicesAreInt64) {
  Graph graph = Parse(R"(graph g
    input words int32 [n, 2]
    const table float32 [3, 1] = {10, 20, 30}
    y = Gather(table, words)
    output y)");
  ASSERT_OK(MakeTrainable(graph));
  EXPECT_EQ(TypeOf(graph, "words"), "int64 [n, 2]");
  EXPECT_THAT(Result(graph, Tensor::Of<int64_t>({1, 2}, {2, 0})).values<float>(), ElementsAre(30, 10));
}

TEST(MakeTrainableTest, RefusesOtherTypes) {
  Graph graph = Parse("graph g\ninput x uint8 [n, 2]\ny = Cast(x) {to = \"float32\"}\noutput y");
  EXPECT_THAT(MakeTrainable(graph),
              StatusIs(kInvalid, HasSubstr("input 'x': expected float32, float16, int64 or int32, got uint8")));
}

TEST(MakeTrainableTest, WeightsThatAreComputedBecomeConstants) {
  Graph graph = Parse(R"(graph g
    input x float32 [n, 4]
    const raw float32 [2, 2, 3] = fill 2
    const shape int64 [2] = {4, 3}
    w = Reshape(raw, shape)
    y = MatMul(x, w)
    output y)");
  EXPECT_THAT(FindParameters(graph), IsEmpty());
  ASSERT_OK(MakeTrainable(graph));
  ASSERT_EQ(FindParameters(graph).size(), 1u);
  EXPECT_EQ(FindParameters(graph)[0].name, "w");
}

// ---------------------------------------------------------------- activations

std::string LastOp(const Graph& graph) { return graph.nodes().back().op; }

// The same values, and the same with shapes inferred.
void ExpectSameValues(const Graph& before, const Graph& after, const Shape& input) {
  EXPECT_OK(VerifyStructure(after));
  const Tensor x = RandomTensor(input, 3);
  EXPECT_LE(Disagreement(Result(after, x), Result(before, x), 1e-5, 1e-6), 1);
}

Graph Inferred(const std::string& text) {
  Graph graph = Parse(text);
  EXPECT_OK(InferShapes(graph));
  return graph;
}

TEST(PutActivationsLastTest, ASoftmaxMovesBehindWhatReshapesIt) {
  const Graph before = Inferred(R"(graph g
    input x float32 [n, 5, 1, 1]
    shape = Shape(x)
    flat = Flatten(x)
    soft = Softmax(flat) {axis = -1}
    y = Reshape(soft, shape)
    output y)");
  Graph graph = before;
  ASSERT_OK(PutActivationsLast(graph));
  EXPECT_EQ(LastOp(graph), "Softmax");
  EXPECT_EQ(graph.nodes().back().Get<int64_t>("axis", 99), 1);
  EXPECT_EQ(graph.NameOfValue(graph.outputs()[0]), "y");
  ExpectSameValues(before, graph, {2, 5, 1, 1});
}

TEST(PutActivationsLastTest, ASoftmaxOverPositionsKeepsItsDimension) {
  const Graph before = Inferred(R"(graph g
    input x float32 [n, 3, 2, 2]
    soft = Softmax(x) {axis = 1}
    const t int64 [3] = {0, 3, 4}
    y = Reshape(soft, t)
    output y)");
  Graph graph = before;
  ASSERT_OK(PutActivationsLast(graph));
  EXPECT_EQ(LastOp(graph), "Softmax");
  EXPECT_EQ(graph.nodes().back().Get<int64_t>("axis", 99), 1);
  ExpectSameValues(before, graph, {2, 3, 2, 2});
}

TEST(PutActivationsLastTest, ASigmoidMovesAlways) {
  const Graph before = Inferred(R"(graph g
    input x float32 [n, 3, 2, 2]
    s = Sigmoid(x)
    f = Flatten(s)
    y = Identity(f)
    output y)");
  Graph graph = before;
  ASSERT_OK(PutActivationsLast(graph));
  EXPECT_EQ(LastOp(graph), "Sigmoid");
  ExpectSameValues(before, graph, {2, 3, 2, 2});
}

TEST(PutActivationsLastTest, WhatHasNoSuchDimensionStays) {
  for (const char* const text : {
           "graph g\ninput x float32 [n, 3, 4]\ns = Softmax(x) {axis = 1}\ny = Flatten(s)\noutput y",
           "graph g\ninput x float32 [n, 3, ?]\ns = Softmax(x) {axis = 1}\ny = Flatten(s)\noutput y",
           "graph g\ninput x float32 [n, 3]\ny = Softmax(x)\noutput y",
           "graph g\ninput x float32 [n, 3, 1]\ns = Softmax(x) {axis = 1}\nr = Relu(s)\ny = Flatten(r)\noutput y",
           "graph g\ninput x float32 [n, 3, 1]\ns = Softmax(x) {axis = 1}\ny = Flatten(s)\noutput y\noutput s",
           "graph g\ninput x float32 [n, 3]\noutput x",
       }) {
    const Graph before = Inferred(text);
    Graph graph = before;
    ASSERT_OK(PutActivationsLast(graph));
    ASSERT_EQ(graph.nodes().size(), before.nodes().size());
    for (size_t i = 0; i < graph.nodes().size(); ++i) EXPECT_EQ(graph.nodes()[i].op, before.nodes()[i].op) << text;
  }
}

// ---------------------------------------------------------------- inputs

TEST(FindInputConstantsTest, AreThoseBeforeAllElse) {
  EXPECT_THAT(FindInputConstants(Parse(R"(graph g
    input x float32 [n, 3, 4, 4]
    const mean float32 [3, 1, 1] = fill 1
    const scale float32 [3, 1, 1] = fill 2
    a = Sub(x, mean)
    b = Mul(a, scale)
    const w float32 [2, 3, 3, 3] = fill 1
    c = Conv(b, w)
    const later float32 [2, 1, 1] = fill 1
    d = Mul(c, later)
    output d)")),
              ElementsAre("mean", "scale"));
}

TEST(FindInputConstantsTest, SumsOfInputsAreNone) {
  EXPECT_THAT(FindInputConstants(Parse(R"(graph g
    input x float32 [n, 3]
    input z float32 [n, 3]
    const one float32 [3] = fill 1
    a = Add(x, z)
    b = Add(a, one)
    output b)")),
              IsEmpty());
}

}  // namespace
}  // namespace beak
