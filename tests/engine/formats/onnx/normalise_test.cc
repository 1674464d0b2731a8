// What every older form of an operator becomes: one test a trap, as a graph in text form.
#include "engine/formats/onnx/normalise.h"

#include <gtest/gtest.h>

#include "engine/formats/onnx/onnx_reader.h"
#include "engine/graph/text.h"
#include "engine/ops/op.h"
#include "tests/engine/formats/onnx/model_builder.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using onnx_format::FindRow;
using ::testing::AllOf;
using testing::Attr;
using testing::FloatTensor;
using ::testing::HasSubstr;
using testing::Int64Tensor;
using testing::IsOk;
using testing::kOnnxFloat16;
using testing::kOnnxInt64;
using testing::ModelBuilder;
using testing::StatusIs;
using Ints = std::vector<int64_t>;

// The graph of a model whose nodes compute y from x and more.
absl::StatusOr<std::string> Text(ModelBuilder& builder) {
  builder.Output("y");
  absl::StatusOr<Graph> graph = ReadOnnx(builder.Bytes(), "");
  if (!graph.ok()) return graph.status();
  return PrintGraph(*graph);
}

void ExpectText(ModelBuilder builder, const std::string& expected) {
  EXPECT_THAT(Text(builder), testing::IsOkAndHolds("graph g\n" + expected + "output y\n"));
}

void ExpectUnimplemented(ModelBuilder builder, const std::string& message) {
  EXPECT_THAT(Text(builder), StatusIs(absl::StatusCode::kUnimplemented, HasSubstr(message)));
}

ModelBuilder WithX(int opset, const Ints& dims = {2, 3, 4, 5}, int type = testing::kOnnxFloat) {
  return ModelBuilder(opset).Input("x", dims, type);
}

TEST(NormaliseTest, EveryOperatorOfTheEngineIsReadFromOnnx) {
  for (const Op& op : AllOps()) {
    if (!op.internal) {
      EXPECT_NE(FindRow(op.name), nullptr) << op.name;
    }
  }
}

TEST(NormaliseTest, EveryRowBecomesAnOperatorOfTheEngine) {
  for (const auto rows : {onnx_format::ArithmeticRows(), onnx_format::NeuralRows(), onnx_format::ShapeRows()}) {
    for (const onnx_format::OperatorRow& row : rows) EXPECT_NE(FindOp(row.op), nullptr) << row.op;
  }
}

TEST(NormaliseTest, LegacyBroadcastOfTheLastDimensionsIsToday) {
  ExpectText(WithX(6).Input("b", {5}).Node("Add", {"x", "b"}, {"y"}, {Attr("broadcast", 1)}),
             "input x float32 [2, 3, 4, 5]\n"
             "input b float32 [5]\n"
             "y = Add(x, b)\n");
  ExpectUnimplemented(
      WithX(6).Input("b", {3}).Node("Mul", {"x", "b"}, {"y"}, {Attr("broadcast", 1), Attr("axis", 1)}, "scale"),
      "node 'scale' (Mul): attribute 'axis': broadcasting as before opset 7");
}

TEST(NormaliseTest, ClipBoundsWereAttributes) {
  ExpectText(WithX(6, {4}).Node("Clip", {"x"}, {"y"}, {Attr("min", 0.0f), Attr("max", 6.0f)}),
             "input x float32 [4]\n"
             "const y.min float32 [] = {0}\n"
             "const y.max float32 [] = {6}\n"
             "y = Clip(x, y.min, y.max)\n");
  ExpectText(WithX(10, {4}).Node("Clip", {"x"}, {"y"}, {Attr("max", 6.0f)}),
             "input x float32 [4]\n"
             "const y.max float32 [] = {6}\n"
             "y = Clip(x, , y.max)\n");
}

TEST(NormaliseTest, ClipBoundsHaveTheTypeOfTheValueThroughOtherNodes) {
  ExpectText(WithX(10, {4}, kOnnxFloat16).Node("Relu", {"x"}, {"r"}).Node("Clip", {"r"}, {"y"}, {Attr("max", 6.0f)}),
             "input x float16 [4]\n"
             "const y.max float16 [] = {6}\n"
             "r = Relu(x)\n"
             "y = Clip(r, , y.max)\n");
}

TEST(NormaliseTest, ClipBoundsAreInputsSinceOpset11) {
  ExpectText(WithX(11, {4}).Initializer("hi", FloatTensor({}, {6})).Node("Clip", {"x", "", "hi"}, {"y"}),
             "input x float32 [4]\n"
             "const hi float32 [] = {6}\n"
             "y = Clip(x, , hi)\n");
}

TEST(NormaliseTest, ReductionAxesBecameInputsAtOpset13And18) {
  const std::string expected_end =
      "const y.axes int64 [2] = {2, 3}\n"
      "y = ReduceSum(x, y.axes) {keepdims = 0}\n";
  ExpectText(WithX(12).Node("ReduceSum", {"x"}, {"y"}, {Attr("axes", Ints{2, 3}), Attr("keepdims", 0)}),
             "input x float32 [2, 3, 4, 5]\n" + expected_end);
  ExpectText(WithX(17).Node("ReduceMean", {"x"}, {"y"}, {Attr("axes", Ints{1})}),
             "input x float32 [2, 3, 4, 5]\n"
             "const y.axes int64 [1] = {1}\n"
             "y = ReduceMean(x, y.axes)\n");
  ExpectText(WithX(18).Initializer("a", Int64Tensor({1}, {1})).Node("ReduceMax", {"x", "a"}, {"y"}),
             "input x float32 [2, 3, 4, 5]\n"
             "const a int64 [1] = {1}\n"
             "y = ReduceMax(x, a)\n");
}

TEST(NormaliseTest, CastNamesItsType) {
  ExpectText(WithX(9, {2}).Node("Cast", {"x"}, {"y"}, {Attr("to", 7)}),
             "input x float32 [2]\n"
             "y = Cast(x) {to = \"int64\"}\n");
  ExpectText(WithX(19, {2}).Node("Cast", {"x"}, {"y"}, {Attr("to", 10), Attr("saturate", 1)}),
             "input x float32 [2]\n"
             "y = Cast(x) {to = \"float16\"}\n");
  ExpectUnimplemented(WithX(13, {2}).Node("Cast", {"x"}, {"y"}, {Attr("to", 16)}, "c"),
                      "node 'c' (Cast): attribute 'to': element type bfloat16");
  ExpectUnimplemented(WithX(5, {2}).Node("Cast", {"x"}, {"y"}, {Attr("to", "FLOAT")}),
                      "opset: expected 6 or newer for this operator, got 5");
}

TEST(NormaliseTest, BatchNormalizationIsForInference) {
  ModelBuilder with = WithX(8);
  for (const char* name : {"s", "b", "m", "v"}) with.Input(name, {3});
  const std::vector<std::string> inputs = {"x", "s", "b", "m", "v"};
  const std::string expected =
      "input x float32 [2, 3, 4, 5]\n"
      "input s float32 [3]\ninput b float32 [3]\ninput m float32 [3]\ninput v float32 [3]\n"
      "y = BatchNormalization(x, s, b, m, v) {epsilon = 0.5}\n";
  ExpectText(ModelBuilder(with).Node("BatchNormalization", inputs, {"y"}, {Attr("spatial", 1), Attr("epsilon", 0.5f)}),
             expected);
  ExpectText(ModelBuilder(with).Node("BatchNormalization", inputs, {"y", "", ""}, {Attr("epsilon", 0.5f)}), expected);
  ExpectUnimplemented(ModelBuilder(with).Node("BatchNormalization", inputs, {"y"}, {Attr("spatial", 0)}), "'spatial'");
  ExpectUnimplemented(ModelBuilder(with).Node("BatchNormalization", inputs, {"y", "mean", "var"}), "training mode");
  with.model.mutable_opset_import(0)->set_version(15);
  ExpectText(
      ModelBuilder(with).Node("BatchNormalization", inputs, {"y"}, {Attr("training_mode", 0), Attr("epsilon", 0.5f)}),
      expected);
  ExpectUnimplemented(ModelBuilder(with).Node("BatchNormalization", inputs, {"y"}, {Attr("training_mode", 1)}, "bn"),
                      "node 'bn' (BatchNormalization): attribute 'training_mode': training mode");
  with.model.mutable_opset_import(0)->set_version(6);
  ExpectText(ModelBuilder(with).Node("BatchNormalization", inputs, {"y"}, {Attr("is_test", 1), Attr("epsilon", 0.5f)}),
             expected);
  ExpectUnimplemented(ModelBuilder(with).Node("BatchNormalization", inputs, {"y"}), "training mode");
}

TEST(NormaliseTest, DropoutRatioWasAnAttribute) {
  ExpectText(WithX(10, {4}).Node("Dropout", {"x"}, {"y", "mask"}, {Attr("ratio", 0.25f)}).Output("mask"),
             "input x float32 [4]\n"
             "const y.ratio float32 [] = {0.25}\n"
             "y, mask = Dropout(x, y.ratio)\n"
             "output mask\n");
  ExpectUnimplemented(WithX(7, {4}).Node("Dropout", {"x"}, {"y", "mask"}).Output("mask"), "mask as a float tensor");
}

TEST(NormaliseTest, OptionalOutputsThatNothingReadsAreLeftOut) {
  ExpectText(WithX(7, {4}).Node("Dropout", {"x"}, {"y", "mask"}),
             "input x float32 [4]\n"
             "y = Dropout(x)\n");
  const std::vector<onnx_schema::AttributeProto> window = {Attr("kernel_shape", Ints{2, 2})};
  ExpectText(WithX(8).Node("MaxPool", {"x"}, {"y", "indices"}, window),
             "input x float32 [2, 3, 4, 5]\n"
             "y = MaxPool(x) {kernel_shape = [2, 2]}\n");
  ExpectText(
      WithX(8).Node("MaxPool", {"x"}, {"y", "i"}, window).Node("Cast", {"i"}, {"f"}, {Attr("to", 1)}).Output("f"),
      "input x float32 [2, 3, 4, 5]\n"
      "y, i = MaxPool(x) {kernel_shape = [2, 2]}\n"
      "f = Cast(i) {to = \"float32\"}\n"
      "output f\n");
}

TEST(NormaliseTest, OldSoftmaxFlattens) {
  ExpectText(WithX(12).Node("Softmax", {"x"}, {"y"}, {Attr("axis", 2)}, "s"),
             "input x float32 [2, 3, 4, 5]\n"
             "s.Shape = Shape(x)\n"
             "s.Flatten = Flatten(x) {axis = 2}\n"
             "s.Softmax = Softmax(s.Flatten) {axis = -1}\n"
             "y = Reshape(s.Softmax, s.Shape)\n");
}

TEST(NormaliseTest, OldSoftmaxAxisIsOneByDefault) {
  ExpectText(WithX(7).Node("LogSoftmax", {"x"}, {"y"}, {}, "s"),
             "input x float32 [2, 3, 4, 5]\n"
             "s.Shape = Shape(x)\n"
             "s.Flatten = Flatten(x) {axis = 1}\n"
             "s.LogSoftmax = LogSoftmax(s.Flatten) {axis = -1}\n"
             "y = Reshape(s.LogSoftmax, s.Shape)\n");
}

TEST(NormaliseTest, SoftmaxAlongTheLastAxisNeverDiffered) {
  ExpectText(WithX(11).Node("Softmax", {"x"}, {"y"}, {Attr("axis", -1)}),
             "input x float32 [2, 3, 4, 5]\n"
             "y = Softmax(x) {axis = -1}\n");
  ExpectText(WithX(13).Node("Softmax", {"x"}, {"y"}, {Attr("axis", 1)}),
             "input x float32 [2, 3, 4, 5]\n"
             "y = Softmax(x) {axis = 1}\n");
}

TEST(NormaliseTest, SqueezeAndUnsqueezeAxesBecameInputsAtOpset13) {
  ExpectText(WithX(11, {1, 3}).Node("Squeeze", {"x"}, {"y"}, {Attr("axes", Ints{0})}),
             "input x float32 [1, 3]\n"
             "const y.axes int64 [1] = {0}\n"
             "y = Squeeze(x, y.axes)\n");
  ExpectText(WithX(11, {1, 3}).Node("Squeeze", {"x"}, {"y"}),
             "input x float32 [1, 3]\n"
             "y = Squeeze(x)\n");
  ExpectText(WithX(7, {3}).Node("Unsqueeze", {"x"}, {"y"}, {Attr("axes", Ints{0, 2})}),
             "input x float32 [3]\n"
             "const y.axes int64 [2] = {0, 2}\n"
             "y = Unsqueeze(x, y.axes)\n");
}

TEST(NormaliseTest, SplitPartsBecameAnInputAtOpset13) {
  ExpectText(WithX(11, {6}).Node("Split", {"x"}, {"y", "z"}, {Attr("split", Ints{2, 4}), Attr("axis", 0)}),
             "input x float32 [6]\n"
             "const y.split int64 [2] = {2, 4}\n"
             "y, z = Split(x, y.split) {axis = 0}\n");
  ExpectText(WithX(13, {6}).Node("Split", {"x"}, {"y", "z", "w"}),
             "input x float32 [6]\n"
             "y, z, w = Split(x) {num_outputs = 3}\n");
  ExpectText(WithX(18, {7}).Node("Split", {"x"}, {"y", "z"}, {Attr("num_outputs", 2)}),
             "input x float32 [7]\n"
             "y, z = Split(x) {num_outputs = 2}\n");
}

TEST(NormaliseTest, SliceBoundsBecameInputsAtOpset10) {
  ExpectText(WithX(9, {6}).Node("Slice", {"x"}, {"y"},
                                {Attr("starts", Ints{1}), Attr("ends", Ints{INT64_MAX}), Attr("axes", Ints{0})}),
             "input x float32 [6]\n"
             "const y.starts int64 [1] = {1}\n"
             "const y.ends int64 [1] = {9223372036854775807}\n"
             "const y.axes int64 [1] = {0}\n"
             "y = Slice(x, y.starts, y.ends, y.axes)\n");
  ModelBuilder without_ends = WithX(9, {6}).Node("Slice", {"x"}, {"y"}, {Attr("starts", Ints{1})});
  EXPECT_THAT(Text(without_ends), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'ends'")));
}

TEST(NormaliseTest, PadsBecameInputsAtOpset11) {
  ExpectText(WithX(2, {6}, kOnnxFloat16)
                 .Node("Pad", {"x"}, {"y"}, {Attr("pads", Ints{1, 2}), Attr("value", 0.5f), Attr("mode", "constant")}),
             "input x float16 [6]\n"
             "const y.pads int64 [2] = {1, 2}\n"
             "const y.value float16 [] = {0.5}\n"
             "y = Pad(x, y.pads, y.value) {mode = \"constant\"}\n");
}

TEST(NormaliseTest, ReshapeHadItsShapeAsAttributeInOpset1) {
  ExpectText(WithX(1, {6}).Node("Reshape", {"x"}, {"y"}, {Attr("shape", Ints{2, 3}), Attr("consumed_inputs", Ints{0})}),
             "input x float32 [6]\n"
             "const y.shape int64 [2] = {2, 3}\n"
             "y = Reshape(x, y.shape)\n");
}

TEST(NormaliseTest, ConcatAlongAxisOneByDefaultBeforeOpset4) {
  ExpectText(WithX(3, {2, 3}).Node("Concat", {"x", "x"}, {"y"}),
             "input x float32 [2, 3]\n"
             "y = Concat(x, x) {axis = 1}\n");
}

TEST(NormaliseTest, UpsampleBecomesResize) {
  const std::string attributes =
      " {coordinate_transformation_mode = \"asymmetric\", mode = \"nearest\", nearest_mode = \"floor\"}\n";
  ExpectText(WithX(7).Node("Upsample", {"x"}, {"y"}, {Attr("scales", std::vector<float>{1, 1, 2, 2})}),
             "input x float32 [2, 3, 4, 5]\n"
             "const y.scales float32 [4] = {1, 1, 2, 2}\n"
             "y = Resize(x, , y.scales)" +
                 attributes);
  ExpectText(WithX(9).Initializer("s", FloatTensor({4}, {1, 1, 2, 2})).Node("Upsample", {"x", "s"}, {"y"}),
             "input x float32 [2, 3, 4, 5]\n"
             "const s float32 [4] = {1, 1, 2, 2}\n"
             "y = Resize(x, , s)" +
                 attributes);
  ModelBuilder too_new = WithX(10).Node("Upsample", {"x", "x"}, {"y"});
  EXPECT_THAT(Text(too_new), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected 9 or older")));
}

TEST(NormaliseTest, ResizeOfOpset10IsAsymmetricAndRoundsUpDownwards) {
  ExpectText(WithX(10).Initializer("s", FloatTensor({4}, {1, 1, 0.6f, 0.6f})).Node("Resize", {"x", "s"}, {"y"}),
             "input x float32 [2, 3, 4, 5]\n"
             "const s float32 [4] = {1, 1, 0.6, 0.6}\n"
             "y = Resize(x, , s) {coordinate_transformation_mode = \"asymmetric\", mode = \"nearest\", nearest_mode = "
             "\"ceil\"}\n");
  ExpectText(WithX(10)
                 .Initializer("s", FloatTensor({4}, {1, 1, 2, 2}))
                 .Node("Resize", {"x", "s"}, {"y"}, {Attr("mode", "linear")}),
             "input x float32 [2, 3, 4, 5]\n"
             "const s float32 [4] = {1, 1, 2, 2}\n"
             "y = Resize(x, , s) {coordinate_transformation_mode = \"asymmetric\", mode = \"linear\", nearest_mode = "
             "\"floor\"}\n");
}

TEST(NormaliseTest, ResizeOfOpset11LeavesOutByEmptyTensors) {
  ExpectText(WithX(11)
                 .Initializer("roi", FloatTensor({0}, {}))
                 .Initializer("s", FloatTensor({0}, {}))
                 .Initializer("to", Int64Tensor({4}, {2, 3, 8, 8}))
                 .Node("Resize", {"x", "roi", "s", "to"}, {"y"}),
             "input x float32 [2, 3, 4, 5]\n"
             "const to int64 [4] = {2, 3, 8, 8}\n"
             "y = Resize(x, , , to)\n");
}

TEST(NormaliseTest, ConsumedInputsNeverMattered) {
  ExpectText(WithX(1, {4}).Node("Relu", {"x"}, {"y"}, {Attr("consumed_inputs", Ints{1})}),
             "input x float32 [4]\n"
             "y = Relu(x)\n");
  ExpectUnimplemented(WithX(7, {4}).Node("Relu", {"x"}, {"y"}, {Attr("consumed_inputs", Ints{1})}), "consumed_inputs");
}

TEST(NormaliseTest, AnAttributeThatIsNowAnInputExpectsNoInputThere) {
  ModelBuilder builder = WithX(9, {4}).Node("Clip", {"x", "x"}, {"y"});
  EXPECT_THAT(Text(builder),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected at most 1 in opset 9, got 2")));
}

TEST(NormaliseTest, AnAttributeOfAnotherTypeIsRefused) {
  ModelBuilder builder = WithX(9, {4}).Node("Clip", {"x"}, {"y"}, {Attr("min", 1)}, "c");
  EXPECT_THAT(Text(builder), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("node 'c' (Clip): attribute 'min': expected float, got int")));
}

}  // namespace
}  // namespace beak
