#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

using ::testing::HasSubstr;

TEST(InferShapesTest, ASymbolicBatchGoesThroughANetwork) {
  const std::string network =
      "const w float32 [25, 1, 3, 3] = fill 1\n"
      "const b float32 [25] = fill 0\n"
      "const v float32 [4225, 10] = fill 1\n"
      "c = Conv(x, w, b)\n"
      "r = Relu(c)\n"
      "p = MaxPool(r) {kernel_shape = [2, 2], strides = [2, 2]}\n"
      "f = Flatten(p)\n"
      "g = Gemm(f, v)\n"
      "y = Softmax(g)\n"
      "output y\n";
  EXPECT_EQ(InferText("input x float32 [batch, 1, 28, 28]\n" + network), "float32 [batch, 10]");
  EXPECT_EQ(InferText("input x float32 [batch, 1, 28, 28]\n" + network, "f"), "float32 [batch, 4225]");
  EXPECT_EQ(InferText("input x float32 [8, 1, 28, 28]\n" + network, "y", true), "float32 [8, 10]");
}

TEST(InferShapesTest, ReshapeKeepsTheBatchThroughShapeArithmetic) {
  const std::string network =
      "const zero int64 [] = {0}\n"
      "const axes int64 [1] = {0}\n"
      "const rest int64 [1] = {-1}\n"
      "s = Shape(x)\n"
      "n = Gather(s, zero)\n"
      "u = Unsqueeze(n, axes)\n"
      "t = Concat(u, rest) {axis = 0}\n"
      "y = Reshape(x, t)\n";
  EXPECT_EQ(InferText("input x float32 [batch, 50, 5, 5]\n" + network), "float32 [batch, 1250]");
  EXPECT_EQ(InferText("input x float32 [3, 50, 5, 5]\n" + network, "y", true), "float32 [3, 1250]");
}

TEST(InferShapesTest, SizesSurviveSlicesCastsAndArithmetic) {
  EXPECT_EQ(InferText("input x float32 [batch, 3, 8, 6]\n"
                      "const zero int64 [1] = {0}\n"
                      "const two int64 [1] = {2}\n"
                      "const four int64 [1] = {4}\n"
                      "const one int64 [] = {1}\n"
                      "s = Shape(x)\n"
                      "hw = Slice(s, two, four)\n"
                      "i = Cast(hw) {to = \"int32\"}\n"
                      "l = Cast(i) {to = \"int64\"}\n"
                      "d = Mul(l, two)\n"
                      "e = Sub(d, one)\n"
                      "f = Div(e, two)\n"
                      "nc = Slice(s, zero, two)\n"
                      "t = Concat(nc, f) {axis = 0}\n"
                      "y = Resize(x, , , t)\n"),
            "float32 [batch, 3, 7, 5]");
}

TEST(InferShapesTest, ArithmeticOnMatricesIsNotMistakenForSizes) {
  EXPECT_EQ(InferText("const a int64 [2] = {2, 3}\n"
                      "const axes int64 [1] = {1}\n"
                      "const flat int64 [1] = {-1}\n"
                      "m = Unsqueeze(a, axes)\n"
                      "p = Mul(m, a)\n"
                      "s = Reshape(p, flat)\n"
                      "y = ConstantOfShape(s)\n"),
            "float32 [?, ?, ?, ?]");
}

TEST(InferShapesTest, UnknownRanksGoOn) {
  const std::string network =
      "input x float32 [batch, 4]\n"
      "input s int64 [n]\n"
      "r = Reshape(x, s)\n"
      "c = Cast(r) {to = \"int32\"}\n"
      "e = Equal(c, c)\n"
      "h = Shape(r)\n"
      "w = Where(e, c, c)\n"
      "p, i = MaxPool(r) {kernel_shape = [2]}\n"
      "d, m = Dropout(r)\n"
      "k = ConstantOfShape(h) {value = int8 [1] {1}}\n"
      "a = ArgMax(r)\n";
  EXPECT_EQ(InferText(network, "r"), "float32 of unknown rank");
  EXPECT_EQ(InferText(network, "c"), "int32 of unknown rank");
  EXPECT_EQ(InferText(network, "e"), "bool of unknown rank");
  EXPECT_EQ(InferText(network, "h"), "int64 of unknown rank");
  EXPECT_EQ(InferText(network, "w"), "int32 of unknown rank");
  EXPECT_EQ(InferText(network, "i"), "int64 of unknown rank");
  EXPECT_EQ(InferText(network, "m"), "bool of unknown rank");
  EXPECT_EQ(InferText(network, "k"), "int8 of unknown rank");
  EXPECT_EQ(InferText(network, "a"), "int64 of unknown rank");
}

TEST(InferShapesTest, InputsMayHaveUnknownRank) {
  EXPECT_EQ(InferText("input x float32\ny = Relu(x)\n"), "float32 of unknown rank");
  EXPECT_THAT(InferText("input x float32\ny = Relu(x)\n", "y", true),
              HasSubstr("INVALID_ARGUMENT: input 'x': shape: expected known dimensions, got none"));
}

TEST(InferShapesTest, DataDependenceIsAnErrorWhenAllHasToBeStatic) {
  const std::string reshape = "input x float32 [2, 4]\ninput s int64 [2]\ny = Reshape(x, s)\n";
  EXPECT_EQ(InferText(reshape), "float32 [?, ?]");
  EXPECT_THAT(InferText(reshape, "y", true),
              HasSubstr("UNIMPLEMENTED: node 'y' (Reshape): output 'y': its shape [?, ?] depends on data"));
  const std::string slice = "input x float32 [2, 4]\ninput s int64 [1]\ny = Slice(x, s, s)\n";
  EXPECT_EQ(InferText(slice), "float32 [?, ?]");
  EXPECT_THAT(InferText(slice, "y", true),
              HasSubstr("UNIMPLEMENTED: node 'y' (Slice): input 'starts' must be constant"));
}

TEST(InferShapesTest, StaticInputsAreDemanded) {
  EXPECT_THAT(InferText("input x float32 [batch, 4]\ny = Relu(x)\n", "y", true),
              HasSubstr("INVALID_ARGUMENT: input 'x': shape: expected known dimensions, got [batch, 4]"));
}

TEST(InferShapesTest, KnownShapesAreRecomputed) {
  absl::StatusOr<Graph> graph = ParseGraph("input x float32 [batch, 4]\ny = Relu(x)\n");
  ASSERT_TRUE(graph.ok());
  ASSERT_TRUE(InferShapes(*graph).ok());
  graph->mutable_value(0).type = {DType::kFloat64, PartialShape{3}};
  ASSERT_TRUE(InferShapes(*graph, true).ok());
  EXPECT_EQ(ToString(*graph->value(1).type.shape), "[3]");
  EXPECT_EQ(graph->value(1).type.dtype, DType::kFloat64);
}

TEST(InferShapesTest, ConstantsWithoutBytesKeepTheirType) {
  EXPECT_EQ(InferText("input x float32 [batch, 1, 8, 8]\nconst w float32 [4, 1, 3, 3]\ny = Conv(x, w)\n"),
            "float32 [batch, 4, 6, 6]");
  EXPECT_EQ(InferText("input x float32 [2, 3]\nconst s int64 [2]\ny = Reshape(x, s)\n"), "float32 [?, ?]");
}

TEST(InferShapesTest, TooLargeTensorsAreRefusedEvenWithAFreeBatch) {
  EXPECT_THAT(InferText("input x float32 [batch, 65536]\nconst r int64 [2] = {1, 65536}\ny = Tile(x, r)\n"),
              HasSubstr("RESOURCE_EXHAUSTED: node 'y' (Tile): output 'y'"));
}

TEST(InferShapesTest, LongListsOfSizesAreNotFollowed) {
  EXPECT_EQ(InferText("const i int64 [1000] = fill 0\ninput x float32 [batch]\ns = Shape(x)\ny = Gather(s, i)\n"),
            "int64 [1000]");
}

}  // namespace
}  // namespace beak
