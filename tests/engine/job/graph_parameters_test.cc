#include "engine/job/graph_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::Parse;
using testing::SameBits;

const Tensor& ConstantOf(const Graph& graph, const std::string& name) {
  return *graph.ConstantOf(graph.FindValue(name));
}

// Every kind of parameter.
Graph Network() {
  return Parse(R"(graph g
    input x float32 [n, 4, 5, 5]
    input words int64 [n, 3]
    const conv/w float32 [6, 4, 3, 3] = fill 9
    const conv/b float32 [6] = fill 9
    c = Conv(x, conv/w, conv/b)
    const bn/s float32 [6] = fill 9
    const bn/b float32 [6] = fill 9
    const bn/m float32 [6] = fill 9
    const bn/v float32 [6] = fill 9
    b = BatchNormalization(c, bn/s, bn/b, bn/m, bn/v)
    const slope float32 [6, 1, 1] = fill 9
    p = PRelu(b, slope)
    f = Flatten(p)
    const fc/w float32 [54, 8] = fill 9
    const fc/b float32 [8] = fill 9
    d = Gemm(f, fc/w, fc/b)
    const table float32 [100, 8] = fill 9
    e = Gather(table, words)
    const axes int64 [1] = {1}
    s = ReduceMean(e, axes) {keepdims = 0}
    a = Add(d, s)
    const factor float32 [8] = fill 9
    m = Mul(a, factor)
    const shift float32 [8] = fill 9
    q = Add(m, shift)
    const half float32 [] = fill 0.5
    y = Mul(q, half)
    output y)");
}

TEST(FitsPatternTest, StarsStandForAnyCharacters) {
  EXPECT_TRUE(FitsPattern("conv1.weight", "conv1.weight"));
  EXPECT_TRUE(FitsPattern("*", ""));
  EXPECT_TRUE(FitsPattern("*", "anything"));
  EXPECT_TRUE(FitsPattern("layer*.bn*.weight", "layer1.0.bn2.weight"));
  EXPECT_TRUE(FitsPattern("a*b*b", "ab_b_b"));
  EXPECT_TRUE(FitsPattern("**a**", "bab"));
  EXPECT_TRUE(FitsPattern("", ""));
  EXPECT_FALSE(FitsPattern("", "a"));
  EXPECT_FALSE(FitsPattern("conv", "conv1"));
  EXPECT_FALSE(FitsPattern("conv*", "xconv"));
  EXPECT_FALSE(FitsPattern("a*b", "abc"));
  EXPECT_FALSE(FitsPattern("a*b*c", "acb"));
  EXPECT_FALSE(FitsPattern("a.c", "abc")) << "nothing but '*' is special";
}

TEST(FitsPatternTest, TakesNoLongerThanTheProductOfLengths) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_FALSE(FitsPattern(pattern + "*b", std::string(4000, 'a')));
}

TEST(FindKernelsTest, AreTheWeightsOfConvolutionsAndDenseLayers) {
  EXPECT_THAT(FindKernels(Network()), ElementsAre("conv/w", "fc/w"));
  EXPECT_THAT(FindKernels(Parse("graph g\ninput x float32 [n, 4]\nconst w float32 [4, 4] = fill 1\n"
                                "a = MatMul(x, w)\nb = MatMul(a, w)\noutput b")),
              ElementsAre("w"));
}

TEST(WeightsOfTest, KnowsWhatWeightsConnect) {
  const Graph graph = Parse(R"(graph g
    input x float32 [n, 4, 8, 8]
    const grouped float32 [6, 2, 3, 3] = fill 1
    a = Conv(x, grouped) {group = 2}
    const depthwise float32 [12, 1, 3, 3] = fill 1
    b = Conv(a, depthwise) {group = 6}
    const transposed float32 [12, 3, 2, 2] = fill 1
    c = ConvTranspose(b, transposed) {group = 2}
    f = Flatten(c)
    const dense float32 [7, 384] = fill 1
    d = Gemm(f, dense) {transB = 1}
    output d)");
  const std::vector<Node>& nodes = graph.nodes();
  const auto grouped = *WeightsOf(graph, nodes[0], 1);
  EXPECT_EQ(grouped.role, WeightRole::kConvolution);
  EXPECT_THAT((std::vector<int64_t>{grouped.in, grouped.out, grouped.groups, grouped.receptive_field}),
              ElementsAre(4, 6, 2, 9));
  const auto depthwise = *WeightsOf(graph, nodes[1], 1);
  EXPECT_EQ(depthwise.role, WeightRole::kDepthwise);
  EXPECT_THAT((std::vector<int64_t>{depthwise.in, depthwise.out, depthwise.receptive_field}), ElementsAre(6, 12, 9));
  const auto transposed = *WeightsOf(graph, nodes[2], 1);
  EXPECT_EQ(transposed.role, WeightRole::kTransposedConvolution);
  EXPECT_THAT((std::vector<int64_t>{transposed.in, transposed.out, transposed.groups}), ElementsAre(12, 6, 2));
  const auto dense = *WeightsOf(graph, nodes[4], 1);
  EXPECT_THAT((std::vector<int64_t>{dense.in, dense.out}), ElementsAre(384, 7));
  EXPECT_FALSE(WeightsOf(graph, nodes[0], 0)) << "no constant";
}

TEST(WeightsOfTest, GroupsThatCannotBeAreNoWeights) {
  for (const char* const group : {"0", "-1", "7", "9223372036854775807"}) {
    const Graph graph =
        Parse(absl::StrCat("graph g\ninput x float32 [n, 4, 8, 8]\nconst w float32 [6, 2, 3, 3] = fill 1\n",
                           "a = Conv(x, w) {group = ", group, "}\noutput a"));
    EXPECT_FALSE(WeightsOf(graph, graph.nodes()[0], 1)) << group;
  }
}

TEST(ReinitializeTest, LeavesEmptyWeights) {
  Graph graph = Parse("graph g\ninput x float32 [n, 0]\nconst w float32 [0, 3] = {}\ny = MatMul(x, w)\noutput y");
  EXPECT_OK(Reinitialize(1, {}, graph));
}

TEST(ReinitializeTest, GivesEachKindItsFirstValues) {
  Graph graph = Network();
  ASSERT_OK(Reinitialize(1, {}, graph));
  const auto values = [&graph](const std::string& name) { return ConstantOf(graph, name).values<float>(); };
  for (const char* const zero : {"conv/b", "bn/b", "bn/m", "fc/b", "shift"}) EXPECT_THAT(values(zero), Each(0)) << zero;
  for (const char* const one : {"bn/s", "bn/v", "factor"}) EXPECT_THAT(values(one), Each(1)) << one;
  EXPECT_THAT(values("slope"), Each(0.25f));
  EXPECT_THAT(values("half"), Each(0.5f)) << "scalars are arithmetic";
  double squares = 0;
  for (const float value : values("fc/w")) squares += value * value;
  EXPECT_NEAR(std::sqrt(squares / (54 * 8)), std::sqrt(2.0 / 54), 0.02) << "He's normal";
  for (const float value : values("table")) EXPECT_LE(std::abs(value), 0.05f);
}

TEST(ReinitializeTest, FollowsTheSeed) {
  Graph a = Network(), b = Network(), c = Network();
  ASSERT_OK(Reinitialize(1, {}, a));
  ASSERT_OK(Reinitialize(1, {}, b));
  ASSERT_OK(Reinitialize(2, {}, c));
  EXPECT_TRUE(SameBits(ConstantOf(a, "conv/w"), ConstantOf(b, "conv/w")));
  EXPECT_FALSE(SameBits(ConstantOf(a, "conv/w"), ConstantOf(c, "conv/w")));
}

TEST(ReinitializeTest, LeavesWhatIsKeptAndItsStatistics) {
  Graph graph = Network();
  ASSERT_OK(Reinitialize(1, {"bn/s", "fc/w"}, graph));
  for (const char* const name : {"bn/s", "bn/m", "bn/v", "fc/w"}) {
    EXPECT_THAT(ConstantOf(graph, name).values<float>(), Each(9)) << name;
  }
  EXPECT_THAT(ConstantOf(graph, "bn/b").values<float>(), Each(0));
}

TEST(ReinitializeTest, ChangesNoCopyOfTheGraph) {
  const Graph before = Network();
  Graph graph = before;
  ASSERT_OK(Reinitialize(1, {}, graph));
  EXPECT_THAT(ConstantOf(before, "conv/w").values<float>(), Each(9));
}

}  // namespace
}  // namespace beak
