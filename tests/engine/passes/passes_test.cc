#include "engine/passes/passes.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/graph/text.h"
#include "engine/graph/verify.h"
#include "engine/onednn/backend.h"
#include "engine/ops/op.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

// A pass is tested as a program before and a program after, and by what both compute on the reference kernels.
namespace beak {
namespace {

using ::beak::testing::Disagreement;
using ::beak::testing::IsOk;
using ::beak::testing::Parse;
using ::beak::testing::RandomizeConstants;
using ::beak::testing::RandomTensor;
using ::beak::testing::RunGraph;

using PassFunction = absl::Status (*)(Graph&, const Evaluator&);

Graph Apply(PassFunction pass, Graph graph) {
  EXPECT_THAT(InferShapes(graph), IsOk());
  EXPECT_THAT(pass(graph, ReferenceBackend().evaluate), IsOk());
  EXPECT_THAT(VerifyStructure(graph), IsOk());
  EXPECT_THAT(RemoveDeadCode(graph, ReferenceBackend().evaluate), IsOk());
  EXPECT_THAT(VerifyStructure(graph), IsOk());
  EXPECT_THAT(VerifyOperators(graph), IsOk());
  return graph;
}

// The operators of a graph, in order: what most rewrites change.
std::string Ops(const Graph& graph) {
  std::string ops;
  for (const Node& node : graph.nodes()) ops += (ops.empty() ? "" : " ") + node.op;
  return ops;
}

// What the graph computes must not change. Constants get random numbers first.
void ExpectSameValues(PassFunction pass, Graph before, const std::vector<Shape>& shapes, const std::string& ops_after) {
  RandomizeConstants(before, 11);
  const Graph after = Apply(pass, before);
  EXPECT_EQ(Ops(after), ops_after);
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < shapes.size(); ++i) inputs.push_back(RandomTensor(shapes[i], static_cast<int>(i)));
  const auto expected = RunGraph(before, inputs, ReferenceBackend(), {.publish = false});
  const auto actual = RunGraph(after, inputs, ReferenceBackend(), {.publish = false});
  ASSERT_THAT(expected, IsOk());
  ASSERT_THAT(actual, IsOk());
  for (size_t i = 0; i < expected->size(); ++i) {
    // A norm folded into weights rounds at other places: a few float32 roundings per element.
    EXPECT_LE(Disagreement((*actual)[i], (*expected)[i], 1e-4, 1e-5), 1.0) << "output " << i;
  }
}

TEST(RemoveDeadCodeTest, DropsWhatNobodyReads) {
  const Graph graph = Apply(RemoveDeadCode, Parse(R"(
graph g
input x float32 [2]
const unused float32 [1] = {1}
a = Relu(x)
b = Neg(a)
y = Abs(x)
output y
)"));
  EXPECT_EQ(PrintGraph(graph),
            PrintGraph(Apply(RemoveDeadCode, Parse("graph g\ninput x float32 [2]\ny = Abs(x)\noutput y\n"))));
}

TEST(RemoveIdentitiesTest, NeighboursMeetAndOutputsKeepTheirNames) {
  ExpectSameValues(RemoveIdentities, Parse(R"(
graph g
input x float32 [2, 3]
a = Identity(x)
b = Dropout(a)
c = Transpose(b) {perm = [0, 1]}
d = Relu(c)
y = Identity(d)
output y
)"),
                   {{2, 3}}, "Relu Identity");
}

TEST(FoldConstantsTest, ArithmeticOnConstantsAndShapesIsDoneOnce) {
  const Graph graph = Apply(FoldConstants, Parse(R"(
graph g
input x float32 [2, 3]
const a float32 [2] = {1, 2}
const b float32 [2] = {10, 20}
const first int64 [1] = {0}
sum = Add(a, b)
shape = Shape(x)
rows = Gather(shape, first)
y = Neg(x)
output y
output sum
output rows
)"));
  EXPECT_EQ(Ops(graph), "Neg");
  const Tensor* sum = graph.ConstantOf(graph.FindValue("sum"));
  ASSERT_NE(sum, nullptr);
  EXPECT_EQ(sum->values<float>()[1], 22);
  const Tensor* rows = graph.ConstantOf(graph.FindValue("rows"));
  ASSERT_NE(rows, nullptr);
  EXPECT_EQ(rows->values<int64_t>()[0], 2);
}

TEST(FoldConstantsTest, AFreeShapeIsLeftAlone) {
  const Graph graph = Apply(FoldConstants, Parse("graph g\ninput x float32 [n, 3]\ny = Shape(x)\noutput y\n"));
  EXPECT_EQ(Ops(graph), "Shape");
}

TEST(WidenFloat16Test, CastsStandAtTheDoors) {
  const Graph graph = Apply(WidenFloat16, Parse(R"(
graph g
input x float16 [2]
const k float16 [2] = {1.5, 2}
a = Add(x, k)
y = Relu(a)
output y
)"));
  EXPECT_EQ(Ops(graph), "Cast Add Relu Cast");
  EXPECT_EQ(graph.value(graph.inputs()[0]).type.dtype, DType::kFloat16);
  EXPECT_EQ(graph.value(graph.outputs()[0]).type.dtype, DType::kFloat16);
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  EXPECT_EQ(graph.ConstantOf(graph.FindValue("k"))->values<float>()[0], 1.5f);
}

TEST(WidenFloat16Test, AnInputThatIsAnOutputStaysAsItIs) {
  const Graph graph = Apply(WidenFloat16, Parse("graph g\ninput x float16 [2]\ny = Relu(x)\noutput x\noutput y\n"));
  EXPECT_EQ(graph.outputs()[0], graph.inputs()[0]);
}

TEST(CanonicalizeTest, MatMulAndAddBecomeGemm) {
  ExpectSameValues(Canonicalize, Parse(R"(
graph g
input x float32 [n, 6]
const w float32 [6, 4] = fill 1.0
const b float32 [4] = fill 1.0
a = MatMul(x, w)
y = Add(b, a)
output y
)"),
                   {{3, 6}}, "Gemm");
}

TEST(CanonicalizeTest, AMeanOverAllPositionsIsAPool) {
  ExpectSameValues(Canonicalize, Parse(R"(
graph g
input x float32 [n, 4, 5, 6]
const axes int64 [2] = {-1, 2}
y = ReduceMean(x, axes)
output y
)"),
                   {{2, 4, 5, 6}}, "GlobalAveragePool");
}

TEST(CanonicalizeTest, AMeanOverChannelsIsNot) {
  ExpectSameValues(Canonicalize, Parse(R"(
graph g
input x float32 [n, 4, 5, 6]
const axes int64 [2] = {1, 2}
y = ReduceMean(x, axes)
output y
)"),
                   {{2, 4, 5, 6}}, "ReduceMean");
}

TEST(CanonicalizeTest, SigmoidTimesItselfIsSwish) {
  ExpectSameValues(Canonicalize, Parse(R"(
graph g
input x float32 [n, 4]
s = Sigmoid(x)
y = Mul(x, s)
output y
)"),
                   {{3, 4}}, "Swish");
}

constexpr char kNorm[] = R"(
const scale float32 [6] = fill 1.0
const shift float32 [6] = fill 1.0
const mean float32 [6] = fill 1.0
const var float32 [6] = fill 1.0
)";

TEST(FoldBatchNormalizationTest, IntoAConvolutionWithAndWithoutBias) {
  ExpectSameValues(FoldBatchNormalization, Parse(std::string("graph g\ninput x float32 [n, 4, 5, 5]\n") + kNorm + R"(
const w float32 [6, 4, 3, 3] = fill 1.0
const b float32 [6] = fill 1.0
a = Conv(x, w)
y = BatchNormalization(a, scale, shift, mean, var)
c = Conv(x, w, b)
z = BatchNormalization(c, scale, shift, mean, var) {epsilon = 0.001}
output y
output z
)"),
                   {{2, 4, 5, 5}}, "Conv Conv");
}

TEST(FoldBatchNormalizationTest, IntoGroupedAndTransposedConvolutions) {
  ExpectSameValues(FoldBatchNormalization, Parse(std::string("graph g\ninput x float32 [n, 4, 5, 5]\n") + kNorm + R"(
const w float32 [6, 2, 3, 3] = fill 1.0
const t float32 [4, 3, 3, 3] = fill 1.0
a = Conv(x, w) {group = 2}
y = BatchNormalization(a, scale, shift, mean, var)
b = ConvTranspose(x, t) {group = 2}
z = BatchNormalization(b, scale, shift, mean, var)
output y
output z
)"),
                   {{2, 4, 5, 5}}, "Conv ConvTranspose");
}

TEST(FoldBatchNormalizationTest, IntoGemmOfEitherOrientation) {
  ExpectSameValues(FoldBatchNormalization, Parse(std::string("graph g\ninput x float32 [n, 4]\n") + kNorm + R"(
const w float32 [4, 6] = fill 1.0
const t float32 [6, 4] = fill 1.0
a = Gemm(x, w)
y = BatchNormalization(a, scale, shift, mean, var)
b = Gemm(x, t) {transB = 1}
z = BatchNormalization(b, scale, shift, mean, var)
output y
output z
)"),
                   {{2, 4}}, "Gemm Gemm");
}

TEST(FoldBatchNormalizationTest, ChainsOfConstantArithmeticToo) {
  ExpectSameValues(FoldBatchNormalization, Parse(std::string("graph g\ninput x float32 [n, 4, 5, 5]\n") + kNorm + R"(
const w float32 [6, 4, 3, 3] = fill 1.0
const per_channel float32 [6, 1, 1] = fill 1.0
const half float32 [] = {0.5}
a = Conv(x, w)
b = Mul(a, per_channel)
c = Add(per_channel, b)
d = BatchNormalization(c, scale, shift, mean, var)
e = Sub(d, half)
y = Div(e, half)
output y
)"),
                   {{2, 4, 5, 5}}, "Conv");
}

TEST(FoldBatchNormalizationTest, NotWhereSomebodyElseReadsTheConvolution) {
  ExpectSameValues(FoldBatchNormalization, Parse(std::string("graph g\ninput x float32 [n, 4, 5, 5]\n") + kNorm + R"(
const w float32 [6, 4, 3, 3] = fill 1.0
a = Conv(x, w)
y = BatchNormalization(a, scale, shift, mean, var)
output y
output a
)"),
                   {{2, 4, 5, 5}}, "Conv BatchNormalization");
}

TEST(FoldBatchNormalizationTest, NotWhereTheConstantVariesOverPositions) {
  ExpectSameValues(FoldBatchNormalization, Parse(R"(
graph g
input x float32 [n, 4, 5, 5]
const w float32 [3, 4, 3, 3] = fill 1.0
const per_column float32 [3] = fill 1.0
const one float32 [1] = {2.0}
a = Conv(x, w)
y = Mul(a, per_column)
b = Conv(x, w)
z = Div(one, b)
output y
output z
)"),
                   {{2, 4, 5, 5}}, "Conv Mul Conv Div");
}

TEST(FuseConvolutionsTest, ActivationsAndResiduals) {
  ExpectSameValues(FuseConvolutions, Parse(R"(
graph g
input x float32 [n, 4, 5, 5]
const w float32 [4, 4, 3, 3] = fill 1.0
const low float32 [] = {0.0}
const high float32 [] = {6.0}
a = Conv(x, w) {pads = [1, 1, 1, 1]}
b = Relu(a)
c = Conv(b, w) {pads = [1, 1, 1, 1]}
d = Add(b, c)
e = Clip(d, low, high)
f = Conv(e, w)
g = LeakyRelu(f) {alpha = 0.2}
h = Conv(g, w)
y = HardSwish(h)
output y
)"),
                   {{2, 4, 5, 5}}, "FusedConv FusedConv FusedConv FusedConv");
}

TEST(FuseConvolutionsTest, OfTwoConvolutionsTheLaterTakesTheSum) {
  ExpectSameValues(FuseConvolutions, Parse(R"(
graph g
input x float32 [n, 4, 5, 5]
const w float32 [4, 4, 1, 1] = fill 1.0
a = Conv(x, w)
b = Conv(x, w)
c = Add(a, b)
y = Relu(c)
output y
)"),
                   {{2, 4, 5, 5}}, "Conv FusedConv");
}

TEST(FuseConvolutionsTest, NotAcrossBroadcastingOrSecondReaders) {
  ExpectSameValues(FuseConvolutions, Parse(R"(
graph g
input x float32 [n, 4, 5, 5]
input r float32 [n, 4, 1, 1]
const w float32 [4, 4, 1, 1] = fill 1.0
a = Conv(x, w)
b = Add(a, r)
c = Conv(x, w)
d = Relu(c)
e = Neg(c)
output b
output d
output e
)"),
                   {{2, 4, 5, 5}, {2, 4, 1, 1}}, "Conv Add Conv Relu Neg");
}

TEST(FuseGemmsTest, ReluAndClipButNothingElse) {
  ExpectSameValues(FuseGemms, Parse(R"(
graph g
input x float32 [n, 4]
const w float32 [4, 4] = fill 1.0
a = Gemm(x, w)
b = Relu(a)
c = Gemm(b, w)
y = Sigmoid(c)
output y
)"),
                   {{2, 4}}, "FusedGemm Gemm Sigmoid");
}

TEST(PipelineTest, EveryPassKeepsWhatANetworkComputes) {
  Graph graph = Parse(std::string("graph g\ninput x float32 [n, 3, 12, 12]\n") + kNorm + R"(
const w1 float32 [6, 3, 3, 3] = fill 1.0
const w2 float32 [6, 1, 3, 3] = fill 1.0
const w3 float32 [6, 6, 1, 1] = fill 1.0
const w4 float32 [10, 6] = fill 1.0
const axes int64 [2] = {2, 3}
a = Conv(x, w1) {pads = [1, 1, 1, 1], strides = [2, 2]}
b = BatchNormalization(a, scale, shift, mean, var)
c = Relu(b)
d = Conv(c, w2) {pads = [1, 1, 1, 1], group = 6}
e = BatchNormalization(d, scale, shift, mean, var)
f = Relu(e)
g = Conv(f, w3)
h = BatchNormalization(g, scale, shift, mean, var)
i = Add(h, c)
j = ReduceMean(i, axes)
k = Flatten(j)
l = Gemm(k, w4) {transB = 1}
m = Dropout(l)
y = Softmax(m)
output y
)");
  RandomizeConstants(graph, 5);
  const std::vector<Tensor> inputs = {RandomTensor({3, 3, 12, 12}, 1)};
  const auto expected = RunGraph(graph, inputs, ReferenceBackend(), {.publish = false});
  const auto actual = RunGraph(graph, inputs, ReferenceBackend());
  ASSERT_THAT(expected, IsOk());
  ASSERT_THAT(actual, IsOk());
  EXPECT_LE(Disagreement((*actual)[0], (*expected)[0], 1e-4, 1e-6), 1.0);
  ASSERT_THAT(RunPublishPasses(graph, ReferenceBackend().evaluate), IsOk());
  EXPECT_EQ(Ops(graph), "FusedConv FusedConv FusedConv GlobalAveragePool Flatten Gemm Softmax");
}

TEST(PipelineTest, ResidualsOfFreeSizeAreFusedOnceTheSizeIsKnown) {
  Graph graph = Parse(R"(
graph g
input x float32 [?, 4, ?, ?]
const w float32 [4, 4, 3, 3] = fill 1.0
a = Conv(x, w) {pads = [1, 1, 1, 1]}
b = Add(a, x)
y = Relu(b)
output y
)");
  ASSERT_THAT(RunPublishPasses(graph, ReferenceBackend().evaluate), IsOk());
  EXPECT_EQ(Ops(graph), "Conv Add Relu");
  graph.mutable_value(graph.inputs()[0]).type.shape = ToPartial({2, 4, 7, 7});
  ASSERT_THAT(RunShapePasses(graph, ReferenceBackend().evaluate), IsOk());
  EXPECT_EQ(Ops(graph), "FusedConv");
}

}  // namespace
}  // namespace beak
