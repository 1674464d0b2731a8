#include "engine/formats/onnx/onnx_reader.h"

#include <gtest/gtest.h>

#include "engine/base/limits.h"
#include "engine/graph/text.h"
#include "tests/engine/formats/onnx/model_builder.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using testing::Attr;
using testing::AttrOfType;
using testing::FloatTensor;
using ::testing::HasSubstr;
using testing::Int64Tensor;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::kOnnxBfloat16;
using testing::kOnnxFloat;
using testing::kOnnxString;
using testing::ModelBuilder;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnimplemented = absl::StatusCode::kUnimplemented;
constexpr absl::StatusCode kDataLoss = absl::StatusCode::kDataLoss;

absl::StatusOr<std::string> Read(const ModelBuilder& builder) {
  const absl::StatusOr<Graph> graph = ReadOnnx(builder.Bytes(), "");
  if (!graph.ok()) return graph.status();
  return PrintGraph(*graph);
}

ModelBuilder Relu(int opset = 13) {
  return ModelBuilder(opset).Input("x", {4}).Node("Relu", {"x"}, {"y"}, {}, "r").Output("y");
}

TEST(OnnxReaderTest, ReadsASmallNetwork) {
  ModelBuilder builder(13);
  builder.Input("x", {-1, 2}).Initializer("w", FloatTensor({2, 1}, {0.5f, 2})).Node("MatMul", {"x", "w"}, {"y"});
  builder.Output("y");
  auto* first =
      builder.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0);
  first->set_dim_param("batch");
  EXPECT_THAT(Read(builder), IsOkAndHolds("graph g\n"
                                          "input x float32 [batch, 2]\n"
                                          "const w float32 [2, 1] = {0.5, 2}\n"
                                          "y = MatMul(x, w)\n"
                                          "output y\n"));
}

TEST(OnnxReaderTest, UnnamedAndNegativeDimensionsAreUnknown) {
  ModelBuilder builder = ModelBuilder(13).Input("x", {-1, 3}).Node("Relu", {"x"}, {"y"}).Output("y");
  auto& shape = *builder.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape.mutable_dim(1)->set_dim_value(-1);
  EXPECT_THAT(Read(builder), IsOkAndHolds(HasSubstr("input x float32 [?, ?]")));
  shape.mutable_dim(1)->set_dim_value(-2);
  EXPECT_THAT(Read(builder), StatusIs(kInvalid, HasSubstr("input 'x': dimension: expected at least 0, got -2")));
}

TEST(OnnxReaderTest, InitializersListedAsInputsAreConstants) {
  ModelBuilder builder(7);
  builder.model.set_ir_version(3);
  builder.Input("x", {2}).Input("b", {2}).Initializer("b", FloatTensor({2}, {1, 2})).Node("Add", {"x", "b"}, {"y"});
  EXPECT_THAT(Read(builder.Output("y")), IsOkAndHolds("graph g\n"
                                                      "input x float32 [2]\n"
                                                      "const b float32 [2] = {1, 2}\n"
                                                      "y = Add(x, b)\n"
                                                      "output y\n"));
}

TEST(OnnxReaderTest, InitializersAndInputsMayBeOutputs) {
  ModelBuilder builder(13);
  builder.Input("x", {2}).Initializer("b", FloatTensor({2}, {1, 2})).Output("b").Output("x");
  EXPECT_THAT(Read(builder), IsOkAndHolds("graph g\n"
                                          "input x float32 [2]\n"
                                          "const b float32 [2] = {1, 2}\n"
                                          "output b\n"
                                          "output x\n"));
}

TEST(OnnxReaderTest, ConstantNodesOfEveryFormBecomeConstants) {
  ModelBuilder builder(13);
  builder.Node("Constant", {}, {"t"}, {Attr("value", FloatTensor({1}, {3}))})
      .Node("Constant", {}, {"f"}, {Attr("value_float", 1.5f)})
      .Node("Constant", {}, {"fs"}, {Attr("value_floats", std::vector<float>{1, 2})})
      .Node("Constant", {}, {"i"}, {Attr("value_int", 7)})
      .Node("Constant", {}, {"is"}, {Attr("value_ints", std::vector<int64_t>{-1, 1})});
  for (const char* name : {"t", "f", "fs", "i", "is"}) builder.Output(name);
  EXPECT_THAT(Read(builder), IsOkAndHolds("graph g\n"
                                          "const t float32 [1] = {3}\n"
                                          "const f float32 [] = {1.5}\n"
                                          "const fs float32 [2] = {1, 2}\n"
                                          "const i int64 [] = {7}\n"
                                          "const is int64 [2] = {-1, 1}\n"
                                          "output t\noutput f\noutput fs\noutput i\noutput is\n"));
}

TEST(OnnxReaderTest, ConstantNodesAreChecked) {
  const auto constant = [](const onnx_schema::AttributeProto& attribute) {
    return Read(ModelBuilder(13).Node("Constant", {}, {"c"}, {attribute}).Output("c"));
  };
  EXPECT_THAT(constant(Attr("value_string", "s")), StatusIs(kUnimplemented, HasSubstr("node 'c' (Constant)")));
  EXPECT_THAT(constant(AttrOfType("sparse_value", 11)), StatusIs(kUnimplemented, HasSubstr("sparse tensor")));
  EXPECT_THAT(constant(Attr("value_int", 1.5f)), StatusIs(kInvalid, HasSubstr("expected int, got float")));
  EXPECT_THAT(constant(Attr("worth", 1)), StatusIs(kUnimplemented, HasSubstr("unknown attribute 'worth'")));
  EXPECT_THAT(Read(ModelBuilder(13).Node("Constant", {}, {"c"})), StatusIs(kInvalid, HasSubstr("expected one value")));
  EXPECT_THAT(Read(ModelBuilder(13).Node("Constant", {}, {}, {Attr("value_int", 1)})), StatusIs(kInvalid));
}

TEST(OnnxReaderTest, OptionalInputsAndOutputsMayBeLeftOut) {
  ModelBuilder builder(13);
  builder.Input("x", {2}).Initializer("hi", FloatTensor({}, {6})).Node("Clip", {"x", "", "hi"}, {"c"});
  builder.Node("Dropout", {"c"}, {"y", ""}).Output("y");
  EXPECT_THAT(Read(builder), IsOkAndHolds(HasSubstr("c = Clip(x, , hi)\ny = Dropout(c)\n")));
}

TEST(OnnxReaderTest, NamesOfTheFileStayWhenTheReaderMakesUpSome) {
  ModelBuilder builder(9);
  builder.Input("x", {2}).Node("Clip", {"x"}, {"y"}, {Attr("max", 6.0f)}, "y").Node("Relu", {"y"}, {"y.max"}, {}, "r");
  EXPECT_THAT(Read(builder.Output("y.max")), IsOkAndHolds(HasSubstr("output y.max\n")));
}

TEST(OnnxReaderTest, UnknownOperatorsDomainsAndAttributesAreNamed) {
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("Frobnicate", {"x"}, {"y"}, {}, "n").Output("y")),
              StatusIs(kUnimplemented, HasSubstr("node 'n' (Frobnicate): unknown operator")));
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("FusedConv", {"x", "x"}, {"y"}, {}, "n").Output("y")),
              StatusIs(kUnimplemented, HasSubstr("node 'n' (FusedConv): unknown operator")));
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("Relu", {"x"}, {"y"}, {Attr("foo", 1)}, "n").Output("y")),
              StatusIs(kUnimplemented, HasSubstr("node 'n' (Relu): attribute 'foo'")));
  ModelBuilder foreign = Relu();
  foreign.graph().mutable_node(0)->set_domain("com.microsoft");
  EXPECT_THAT(Read(foreign), StatusIs(kUnimplemented, HasSubstr("node 'r' (Relu): unknown domain 'com.microsoft'")));
  foreign.graph().mutable_node(0)->set_domain("ai.onnx");
  EXPECT_THAT(Read(foreign), IsOk());
}

TEST(OnnxReaderTest, DomainsAndFunctionsThatNoNodeUsesAreIgnored) {
  ModelBuilder builder = Relu();
  builder.model.add_opset_import()->set_domain("ai.onnx.ml");
  auto& function = *builder.model.add_functions();
  function.set_domain("mine");
  function.set_name("Relu");
  EXPECT_THAT(Read(builder), IsOk());
  builder.graph().mutable_node(0)->set_domain("mine");
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("function of the model, domain 'mine'")));
}

TEST(OnnxReaderTest, SubgraphsAndTheLikeAreRefusedByName) {
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {}).Node("If", {"x"}, {"y"}, {AttrOfType("then_branch", 5)}, "n")),
              StatusIs(kUnimplemented, HasSubstr("node 'n' (If): attribute 'then_branch': subgraph")));
  for (const int type : {9, 10, 12, 13, 14}) {
    EXPECT_THAT(Read(ModelBuilder(13).Input("x", {}).Node("Relu", {"x"}, {"y"}, {AttrOfType("a", type)})),
                StatusIs(kUnimplemented, HasSubstr("attribute 'a'")));
  }
  ModelBuilder sparse = Relu();
  sparse.graph().add_sparse_initializer("");
  EXPECT_THAT(Read(sparse), StatusIs(kUnimplemented, HasSubstr("sparse initializer")));
}

TEST(OnnxReaderTest, AttributesAreChecked) {
  const auto with = [](std::vector<onnx_schema::AttributeProto> attributes) {
    return Read(ModelBuilder(13).Input("x", {2}).Node("LeakyRelu", {"x"}, {"y"}, attributes).Output("y"));
  };
  EXPECT_THAT(with({Attr("alpha", 0.5f)}), IsOk());
  EXPECT_THAT(with({Attr("alpha", 0.5f), Attr("alpha", 0.5f)}),
              StatusIs(kInvalid, HasSubstr("expected once, got twice")));
  EXPECT_THAT(with({AttrOfType("alpha", 0)}), StatusIs(kInvalid, HasSubstr("expected a type of attribute, got 0")));
  EXPECT_THAT(with({AttrOfType("alpha", 99)}), StatusIs(kInvalid, HasSubstr("expected a type of attribute, got 99")));
  EXPECT_THAT(with({Attr("alpha", "high")}), StatusIs(kInvalid, HasSubstr("'alpha'")));
  EXPECT_THAT(with({Attr("", 1)}), StatusIs(kInvalid));
  onnx_schema::AttributeProto reference = Attr("alpha", 0.5f);
  reference.set_ref_attr_name("alpha");
  EXPECT_THAT(with({reference}), StatusIs(kInvalid, HasSubstr("reference")));
}

TEST(OnnxReaderTest, VersionsAreChecked) {
  EXPECT_THAT(Read(Relu(0)),
              StatusIs(kUnimplemented, HasSubstr("opset_import: expected a version from 1 to 27, got 0")));
  EXPECT_THAT(Read(Relu(28)), StatusIs(kUnimplemented, HasSubstr("got 28")));
  EXPECT_THAT(Read(Relu(1)), IsOk());
  EXPECT_THAT(Read(Relu(27)), IsOk());
  ModelBuilder none = Relu();
  none.model.clear_opset_import();
  EXPECT_THAT(Read(none), StatusIs(kInvalid, HasSubstr("opset_import")));
  none.model.add_opset_import()->set_domain("elsewhere");
  EXPECT_THAT(Read(none), StatusIs(kInvalid, HasSubstr("opset_import")));
  none.graph().mutable_node(0)->set_domain("elsewhere");
  EXPECT_THAT(Read(none), StatusIs(kUnimplemented, HasSubstr("unknown domain 'elsewhere'")));
  ModelBuilder two = Relu();
  two.model.add_opset_import()->set_version(14);
  EXPECT_THAT(Read(two), StatusIs(kInvalid, HasSubstr("expected one version")));
  ModelBuilder old = Relu();
  old.model.set_ir_version(2);
  EXPECT_THAT(Read(old), StatusIs(kUnimplemented, HasSubstr("ir_version: expected 3 or newer, got 2")));
}

TEST(OnnxReaderTest, InputsThatAreNoTensorsAreRefusedByName) {
  ModelBuilder builder = Relu();
  auto& type = *builder.graph().mutable_input(0)->mutable_type();
  type.set_sequence_type("");
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("input 'x': sequence type")));
  type.set_optional_type("");
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("input 'x': optional type")));
  type.mutable_tensor_type()->set_elem_type(kOnnxString);
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("input 'x': element type string")));
  type.mutable_tensor_type()->set_elem_type(kOnnxBfloat16);
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("element type bfloat16")));
  type.mutable_tensor_type()->set_elem_type(kOnnxFloat);
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("expected a known number of dimensions")));
  type.clear_value();
  EXPECT_THAT(Read(builder), StatusIs(kInvalid, HasSubstr("expected a type")));
  builder = Relu();
  builder.graph().mutable_output(0)->mutable_type()->set_map_type("");
  EXPECT_THAT(Read(builder), StatusIs(kUnimplemented, HasSubstr("output 'y': map type")));
}

TEST(OnnxReaderTest, EveryValueIsDefinedOnceAndBeforeItIsUsed) {
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("Add", {"x", "z"}, {"y"}, {}, "n").Output("y")),
              StatusIs(kInvalid, HasSubstr("node 'n' (Add): input 'z': expected a value of the graph, got none")));
  ModelBuilder unsorted(13);
  unsorted.Input("x", {2}).Node("Relu", {"t"}, {"y"}, {}, "n").Node("Relu", {"x"}, {"t"}).Output("y");
  EXPECT_THAT(Read(unsorted), StatusIs(kInvalid, HasSubstr("node 'n' (Relu): input 't'")));
  ModelBuilder cycle(13);
  cycle.Node("Relu", {"b"}, {"a"}).Node("Relu", {"a"}, {"b"}).Output("b");
  EXPECT_THAT(Read(cycle), StatusIs(kInvalid));
  EXPECT_THAT(Read(Relu().Node("Relu", {"x"}, {"y"})),
              StatusIs(kInvalid, HasSubstr("value 'y': expected one definition")));
  EXPECT_THAT(Read(Relu().Node("Relu", {"x"}, {"x"})), StatusIs(kInvalid, HasSubstr("value 'x'")));
  EXPECT_THAT(Read(Relu().Input("x", {4})), StatusIs(kInvalid, HasSubstr("input 'x'")));
  EXPECT_THAT(Read(Relu().Initializer("y", FloatTensor({}, {1}))), StatusIs(kInvalid, HasSubstr("value 'y'")));
  EXPECT_THAT(Read(Relu().Output("nowhere")), StatusIs(kInvalid, HasSubstr("output 'nowhere'")));
  EXPECT_THAT(Read(Relu().Output("y")), StatusIs(kInvalid, HasSubstr("'y': expected once, got twice")));
}

TEST(OnnxReaderTest, NumbersOfInputsAreChecked) {
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("Add", {"x"}, {"y"}, {}, "n").Output("y")),
              StatusIs(kInvalid, HasSubstr("node 'n' (Add)")));
  for (const char* op : {"Clip", "Pad", "Softmax", "Resize", "Cast", "Constant", "Slice", "Upsample", "Dropout"}) {
    for (const int opset : {1, 7, 9, 10, 11, 13, 18}) {
      EXPECT_FALSE(Read(ModelBuilder(opset).Node(op, {}, {}, {}, "n")).ok()) << op << " in opset " << opset;
    }
  }
}

TEST(OnnxReaderTest, NamesHaveALimit) {
  const std::string name(limits::kMaxNameBytes + 1, 'n');
  EXPECT_THAT(Read(ModelBuilder(13).Input(name, {2})), StatusIs(kInvalid));
  EXPECT_THAT(Read(ModelBuilder(13).Initializer(name, FloatTensor({}, {1}))), StatusIs(kInvalid));
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("Relu", {"x"}, {name})), StatusIs(kInvalid));
  EXPECT_THAT(Read(ModelBuilder(13).Input("x", {2}).Node("Relu", {"x"}, {"y"}, {}, name)), StatusIs(kInvalid));
  EXPECT_THAT(Read(ModelBuilder(13).Input("", {2})), StatusIs(kInvalid));
}

TEST(OnnxReaderTest, BytesThatAreNoModelAreDataLoss) {
  EXPECT_THAT(ReadOnnx("", "").status(), StatusIs(kDataLoss));
  EXPECT_THAT(ReadOnnx("this is a text file", "").status(), StatusIs(kDataLoss));
  EXPECT_THAT(ReadOnnx(std::string(1000, '\xff'), "").status(), StatusIs(kDataLoss));
  EXPECT_THAT(ReadOnnx(std::string(1000, '\0'), "").status(), StatusIs(kDataLoss));
}

TEST(OnnxReaderTest, EveryTruncationIsAnError) {
  ModelBuilder builder(13);
  builder.Input("x", {1, 2})
      .Initializer("w", FloatTensor({2, 3}, {1, 2, 3, 4, 5, 6}))
      .Node("MatMul", {"x", "w"}, {"m"});
  builder.Node("LeakyRelu", {"m"}, {"y"}, {Attr("alpha", 0.5f)}).Output("y");
  // The schema's writer puts the operator set last, so a cut anywhere loses something that is needed.
  const std::string bytes = builder.Bytes();
  ASSERT_THAT(ReadOnnx(bytes, ""), IsOk());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ReadOnnx(bytes.substr(0, size), "").ok()) << size << " of " << bytes.size() << " bytes";
  }
}

TEST(OnnxReaderTest, NamesThatAreNoUtf8AreDataLoss) {
  std::string bytes = Relu().Bytes();
  const size_t name = bytes.find("Relu");
  ASSERT_NE(name, std::string::npos);
  bytes[name] = '\xff';
  EXPECT_THAT(ReadOnnx(bytes, "").status(), StatusIs(kDataLoss));
}

TEST(OnnxReaderTest, ReadsTensors) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, ReadOnnxTensor(Int64Tensor({2}, {3, -4}).SerializeAsString()));
  EXPECT_EQ(tensor.dtype(), DType::kInt64);
  EXPECT_THAT(tensor.values<int64_t>(), ::testing::ElementsAre(3, -4));
  EXPECT_THAT(ReadOnnxTensor("\xff\xff").status(), StatusIs(kDataLoss));
}

}  // namespace
}  // namespace beak
