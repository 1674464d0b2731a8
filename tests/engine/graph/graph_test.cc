#include "engine/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GraphTest, NamesAreMadeUnique) {
  Graph graph;
  EXPECT_EQ(graph.value(graph.AddValue("x")).name, "x");
  EXPECT_EQ(graph.value(graph.AddValue("x")).name, "x_1");
  EXPECT_EQ(graph.value(graph.AddValue("")).name, "value_2");
  EXPECT_EQ(graph.FindValue("x_1"), 1);
  EXPECT_EQ(graph.FindValue("y"), kNoValue);
  EXPECT_EQ(graph.NameOfValue(kNoValue), "");
}

TEST(GraphTest, OneHundredThousandEqualNamesAreQuick) {
  Graph graph;
  for (int i = 0; i < 100'000; ++i) graph.AddValue("x");
  EXPECT_EQ(graph.value(99'999).name, "x_99999");
}

TEST(GraphTest, AConstantHasItsTensorsType) {
  Graph graph;
  const ValueId id = graph.AddConstant("w", Tensor::Of<int32_t>({2}, {1, 2}));
  EXPECT_EQ(graph.value(id).type.dtype, DType::kInt32);
  EXPECT_EQ(ToString(*graph.value(id).type.shape), "[2]");
  ASSERT_NE(graph.ConstantOf(id), nullptr);
  EXPECT_EQ(graph.ConstantOf(id)->values<int32_t>()[1], 2);
  EXPECT_EQ(graph.ConstantOf(kNoValue), nullptr);
  graph.mutable_value(id).constant = Tensor::WithoutBytes(DType::kInt32, {2});
  EXPECT_EQ(graph.ConstantOf(id), nullptr) << "a constant without bytes has no elements to show";
}

TEST(GraphTest, AttributesHaveFallbacks) {
  Node node;
  node.attributes["axis"] = int64_t{2};
  EXPECT_EQ(node.Get<int64_t>("axis", 0), 2);
  EXPECT_EQ(node.Get<std::string>("mode", "nearest"), "nearest");
  EXPECT_TRUE(node.Has("axis"));
  EXPECT_FALSE(node.Has("mode"));
}

// x -> Relu -> y -> Add(y, y) -> z
Graph Chain() {
  Graph graph;
  const ValueId x = graph.AddInput("x", {});
  const ValueId y = graph.AddValue("y");
  const ValueId z = graph.AddValue("z");
  graph.AddNode({"relu", "Relu", {x}, {y}, {}});
  graph.AddNode({"add", "Add", {y, kNoValue, y}, {z}, {}});
  graph.AddOutput(z);
  return graph;
}

TEST(GraphTest, ReplaceUsesReachesInputsAndOutputs) {
  Graph graph = Chain();
  graph.ReplaceUses(1, 0);
  graph.ReplaceUses(2, 1);
  EXPECT_THAT(graph.nodes()[1].inputs, ElementsAre(0, kNoValue, 0));
  EXPECT_THAT(graph.outputs(), ElementsAre(1));
  EXPECT_THAT(graph.nodes()[1].outputs, ElementsAre(2)) << "definitions stay";
}

TEST(GraphTest, CompactDropsWhatNothingRefersTo) {
  Graph graph;
  graph.AddValue("dead");
  const ValueId unused_input = graph.AddInput("unused", {});
  const ValueId x = graph.AddInput("x", {});
  graph.AddValue("dead too");
  const ValueId y = graph.AddValue("y");
  graph.AddNode({"relu", "Relu", {x, kNoValue}, {y}, {}});
  graph.AddOutput(y);
  graph.Compact();
  EXPECT_EQ(graph.num_values(), 3);
  EXPECT_EQ(graph.FindValue("dead"), kNoValue);
  EXPECT_EQ(graph.FindValue("y"), 2);
  EXPECT_EQ(graph.value(2).name, "y");
  EXPECT_THAT(graph.inputs(), ElementsAre(unused_input - 1, x - 1));
  EXPECT_THAT(graph.nodes()[0].inputs, ElementsAre(1, kNoValue));
  EXPECT_THAT(graph.nodes()[0].outputs, ElementsAre(2));
  EXPECT_THAT(graph.outputs(), ElementsAre(2));
}

TEST(UsesTest, KnowsProducersAndConsumers) {
  const Graph graph = Chain();
  const Uses uses(graph);
  EXPECT_EQ(uses.producer(0), Uses::kNone);
  EXPECT_EQ(uses.producer(1), 0);
  EXPECT_THAT(uses.consumers(1), ElementsAre(1, 1));
  EXPECT_THAT(uses.consumers(2), IsEmpty());
  EXPECT_TRUE(uses.single_use(0));
  EXPECT_FALSE(uses.single_use(1));
  EXPECT_TRUE(uses.is_output(2));
}

}  // namespace
}  // namespace beak
