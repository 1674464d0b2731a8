#include "engine/graph/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/limits.h"
#include "engine/graph/text.h"

namespace beak {
namespace {

using ::testing::HasSubstr;

// x -> Relu -> y, with a constant w.
Graph Small() {
  absl::StatusOr<Graph> graph = ParseGraph(
      "input x float32 [batch, 3]\n"
      "const w float32 [3] = fill 1\n"
      "y = Add(x, w)\n"
      "output y\n");
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *std::move(graph);
}

void ExpectRefused(const Graph& graph, const char* message,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  const absl::Status status = VerifyStructure(graph);
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
}

TEST(VerifyStructureTest, AcceptsSoundGraphs) {
  EXPECT_TRUE(VerifyStructure(Graph()).ok());
  EXPECT_TRUE(VerifyStructure(Small()).ok());
  Graph published = Small();
  published.mutable_value(1).constant = Tensor::WithoutBytes(DType::kFloat32, {3});
  EXPECT_TRUE(VerifyStructure(published).ok()) << "a constant may have no bytes";
}

TEST(VerifyStructureTest, RefusesIdsOutOfRange) {
  for (const ValueId id : {-2, 3, 1000}) {
    Graph graph = Small();
    graph.mutable_nodes()[0].inputs[0] = id;
    ExpectRefused(graph, "node 'y' (Add): input: expected the id of a value in [0, 3)");
    graph = Small();
    graph.mutable_nodes()[0].outputs.push_back(id);
    ExpectRefused(graph, "node 'y' (Add): output: expected the id");
    graph = Small();
    graph.AddOutput(id);
    ExpectRefused(graph, "graph output: expected the id");
  }
  Graph graph = Small();
  graph.AddOutput(kNoValue);
  ExpectRefused(graph, "graph output: expected the id");
}

TEST(VerifyStructureTest, RefusesASecondDefinition) {
  for (const ValueId id : {0, 1, 2}) {
    Graph graph = Small();
    graph.AddNode({"again", "Relu", {0}, {id}, {}});
    ExpectRefused(graph, "node 'again' (Relu): value '");
  }
  Graph graph = Small();
  graph.mutable_value(0).constant = Tensor::Of<float>({1}, {1});
  graph.mutable_value(0).type.shape = PartialShape{1};
  ExpectRefused(graph, "graph input: value 'x': expected one definition");
}

TEST(VerifyStructureTest, RefusesUsesBeforeDefinitions) {
  Graph graph = Small();
  const ValueId dangling = graph.AddValue("dangling");
  EXPECT_TRUE(VerifyStructure(graph).ok()) << "a value that nothing refers to does no harm";
  graph.AddOutput(dangling);
  ExpectRefused(graph, "graph output 'dangling': expected a value that is defined");

  graph = Small();
  graph.mutable_nodes()[0].inputs[0] = 2;
  ExpectRefused(graph, "node 'y' (Add): input 'y': expected a value that is defined before");
}

TEST(VerifyStructureTest, RefusesOutputsNamedTwice) {
  Graph graph = Small();
  graph.AddOutput(2);
  ExpectRefused(graph, "graph output 'y': expected once, got twice");
}

TEST(VerifyStructureTest, RefusesConstantsThatDisagreeWithTheirBytes) {
  Graph graph = Small();
  graph.mutable_value(1).type.dtype = DType::kInt32;
  ExpectRefused(graph, "constant 'w': elements: expected int32 [3], got float32 [3]");
  graph = Small();
  graph.mutable_value(1).type.shape = PartialShape{4};
  ExpectRefused(graph, "constant 'w': elements: expected float32 [4], got float32 [3]");
  graph.mutable_value(1).type.shape = PartialShape{Dim()};
  ExpectRefused(graph, "constant 'w': shape: expected known dimensions");
}

TEST(VerifyStructureTest, RefusesWhatIsAboveTheLimits) {
  Graph graph = Small();
  graph.mutable_value(0).type.shape = PartialShape(limits::kMaxRank + 1, Dim(1));
  ExpectRefused(graph, "value 'x': expected at most 16 dimensions, got 17");

  graph = Small();
  graph.mutable_nodes()[0].name = std::string(limits::kMaxNameBytes + 1, 'n');
  ExpectRefused(graph, "name: expected at most 4096 bytes, got 4097");

  graph = Small();
  graph.AddValue(std::string(limits::kMaxNameBytes + 1, 'n'));
  ExpectRefused(graph, "expected a name of 1 to 4096 bytes, got 4097");

  graph = Small();
  graph.mutable_nodes().resize(limits::kMaxGraphNodes + 1);
  ExpectRefused(graph, "graph: expected at most 100000 nodes, got 100001", absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace beak
