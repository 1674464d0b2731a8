#include "engine/tools/network.h"

#include <gtest/gtest.h>

#include "engine/graph/text.h"
#include "tests/support/status_matchers.h"

namespace beak::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ShapeInputsTest, AreThoseThatAShapeDependsOn) {
  const Graph graph = ParseGraph(R"(
input x float32 [n, 6]
input shape int64 [2]
input part int64 [1]
input indices int64 [2]
const rest int64 [1] = {-1}
r = Reshape(x, shape)
to = Concat(part, rest) {axis = 0}
y = Reshape(r, to)
z = Gather(y, indices)
output z
)")
                          .value();
  EXPECT_THAT(ShapeInputs(graph), ElementsAre("shape", "part"));
}

TEST(ShapeInputsTest, OfAShapesInputOnlyTheShapeMatters) {
  const Graph graph = ParseGraph(R"(
input x float32 [n, 6]
input like float32 [2, 3]
s = Shape(like)
y = Expand(x, s)
output y
)")
                          .value();
  EXPECT_THAT(ShapeInputs(graph), IsEmpty());
}

constexpr char kReshape[] = R"(
input x float32 [6]
input shape int64 [2]
y = Reshape(x, shape)
output y
)";

TEST(FixShapeInputsTest, MakesThemConstants) {
  const Graph graph = ParseGraph(kReshape).value();
  const Graph fixed = FixShapeInputs(
      graph, {{"x", Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6})}, {"shape", Tensor::Of<int64_t>({2}, {2, 3})}});
  EXPECT_EQ(PrintGraph(fixed),
            "input x float32 [6]\n"
            "const shape int64 [2] = {2, 3}\n"
            "y = Reshape(x, shape)\n"
            "output y\n");
}

TEST(PredictTest, TakesDataAndShapesAlike) {
  const Graph graph = ParseGraph(kReshape).value();
  ASSERT_OK_AND_ASSIGN(
      const std::vector<Tensor> outputs,
      Predict(graph, {{"x", Tensor::Of<float>({6}, {1, 2, 3, 4, 5, 6})}, {"shape", Tensor::Of<int64_t>({2}, {2, 3})}},
              1));
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].shape(), Shape({2, 3}));
  EXPECT_THAT(outputs[0].values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(PredictTest, InputsAreChecked) {
  const Graph graph = ParseGraph("input x float32 [n, 2]\ny = Relu(x)\noutput y\n").value();
  const Tensor good = Tensor::Of<float>({1, 2}, {1, 2});
  EXPECT_THAT(Predict(graph, {{"x", good}}, 1), IsOk());
  EXPECT_THAT(Predict(graph, {}, 1), StatusIs(kInvalid, HasSubstr("input 'x': expected a float32 [n, 2], got none")));
  EXPECT_THAT(Predict(graph, {{"x", good}, {"z", good}}, 1), StatusIs(kInvalid, HasSubstr("input 'z'")));
  EXPECT_THAT(Predict(graph, {{"y", good}}, 1), StatusIs(kInvalid, HasSubstr("input 'y'")));
  EXPECT_THAT(Predict(graph, {{"x", Tensor::Of<double>({1, 2}, {1, 2})}}, 1),
              StatusIs(kInvalid, HasSubstr("expected float32, got float64")));
  EXPECT_THAT(Predict(graph, {{"x", Tensor::Of<float>({1, 3}, {1, 2, 3})}}, 1), StatusIs(kInvalid, HasSubstr("'x'")));
  EXPECT_THAT(Predict(graph, {{"x", Tensor::Of<float>({2}, {1, 2})}}, 1), StatusIs(kInvalid, HasSubstr("'x'")));
}

TEST(ParseShapeTest, ReadsNameAndDimensions) {
  std::map<std::string, Shape> shapes;
  EXPECT_THAT(ParseShape("x=1x3x480x640", shapes), IsOk());
  EXPECT_THAT(ParseShape("a=b=7", shapes), IsOk());
  EXPECT_THAT(shapes, ElementsAre(std::pair("a=b", Shape{7}), std::pair("x", Shape{1, 3, 480, 640})));
  for (const char* text : {"", "x", "=1", "x=", "x=1x", "x=-1", "x=1,2", "x=axb", "x=99999999999999999999"}) {
    EXPECT_THAT(ParseShape(text, shapes), StatusIs(kInvalid)) << text;
  }
}

TEST(ChooseShapesTest, BatchFillsAFreeFirstDimension) {
  const std::vector<TensorSpec> inputs = {{"x", DType::kFloat32, {Dim::Symbol("n"), 3}}, {"s", DType::kFloat32, {}}};
  EXPECT_THAT(*ChooseShapes(inputs, {}), ElementsAre(Shape{1, 3}, Shape{}));
  EXPECT_THAT(*ChooseShapes(inputs, {.batch = 8}), ElementsAre(Shape{8, 3}, Shape{}));
  EXPECT_THAT(*ChooseShapes(inputs, {.batch = 8, .shapes = {{"x", {2, 3}}}}), ElementsAre(Shape{2, 3}, Shape{}));
}

TEST(ChooseShapesTest, OtherFreeDimensionsMustBeGiven) {
  const std::vector<TensorSpec> inputs = {{"x", DType::kFloat32, {1, Dim()}}};
  EXPECT_THAT(ChooseShapes(inputs, {}), StatusIs(kInvalid, HasSubstr("--shape=x=")));
  EXPECT_THAT(ChooseShapes(inputs, {.shapes = {{"y", {1}}}}), StatusIs(kInvalid, HasSubstr("got 'y'")));
  EXPECT_THAT(ChooseShapes(inputs, {.batch = 2, .shapes = {{"x", {1, 5}}}}), StatusIs(kInvalid, HasSubstr("--batch")));
}

}  // namespace
}  // namespace beak::tools
