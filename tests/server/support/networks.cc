#include "tests/server/support/networks.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "tests/engine/formats/onnx/model_builder.h"

namespace beak::testing {
namespace {

constexpr int kOpset = 13;

onnx_schema::TensorProto RandomTensor(std::mt19937& random, const std::vector<int64_t>& dims, float deviation) {
  size_t size = 1;
  for (const int64_t dim : dims) size *= static_cast<size_t>(dim);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(size);
  for (float& value : values) value = normal(random);
  return FloatTensor(dims, values);
}

}  // namespace

std::string ScaleNetwork(float factor, int columns) {
  ModelBuilder builder(kOpset);
  builder.Input("x", {-1, columns}).Initializer("factor", FloatTensor({1}, {factor}));
  return builder.Node("Mul", {"x", "factor"}, {"y"}).Output("y").Bytes();
}

std::string SimpleNetwork() {
  ModelBuilder builder(kOpset);
  builder.Input("INPUT0", {-1, 16}, kOnnxInt32).Input("INPUT1", {-1, 16}, kOnnxInt32);
  builder.Node("Add", {"INPUT0", "INPUT1"}, {"OUTPUT0"}).Node("Sub", {"INPUT0", "INPUT1"}, {"OUTPUT1"});
  return builder.Output("OUTPUT0", kOnnxInt32).Output("OUTPUT1", kOnnxInt32).Bytes();
}

std::string IdentityNetwork(int type, const std::vector<int64_t>& dims) {
  ModelBuilder builder(kOpset);
  return builder.Input("x", dims, type).Node("Identity", {"x"}, {"y"}).Output("y", type).Bytes();
}

std::string SlowNetwork(int columns, int steps) {
  ModelBuilder builder(kOpset);
  std::vector<float> identity(static_cast<size_t>(columns) * columns);
  for (int i = 0; i < columns; ++i) identity[static_cast<size_t>(i) * columns + i] = 1;
  builder.Input("x", {-1, columns}).Initializer("w", FloatTensor({columns, columns}, identity));
  std::string value = "x";
  for (int i = 0; i < steps; ++i) {
    const std::string next = i + 1 == steps ? "y" : absl::StrCat("h", i);
    builder.Node("MatMul", {value, "w"}, {next});
    value = next;
  }
  return builder.Output("y").Bytes();
}

std::string GatherNetwork() {
  ModelBuilder builder(kOpset);
  builder.Input("x", {-1, 4}).Input("indices", {-1}, kOnnxInt64);
  return builder.Node("Gather", {"x", "indices"}, {"y"}, {Attr("axis", 0)}).Output("y").Bytes();
}

std::string PickNetwork() {
  ModelBuilder builder(kOpset);
  std::vector<float> table;
  for (int row = 0; row < 10; ++row) table.insert(table.end(), 4, static_cast<float>(row));
  builder.Initializer("table", FloatTensor({10, 4}, table)).Input("indices", {-1}, kOnnxInt64);
  return builder.Node("Gather", {"table", "indices"}, {"y"}, {Attr("axis", 0)}).Output("y").Bytes();
}

std::string CentredNetwork(int type) {
  ModelBuilder builder(kOpset);
  const bool bytes = type == kOnnxUint8 || type == kOnnxInt8;
  const std::string x = bytes ? "floats" : "x";
  builder.Input("x", {-1, 2}, type);
  if (bytes) builder.Node("Cast", {"x"}, {"floats"}, {Attr("to", kOnnxFloat)});
  builder.Node("ReduceMean", {x}, {"mean"}, {Attr("axes", std::vector<int64_t>{0})});
  return builder.Node("Sub", {x, "mean"}, {"y"}).Output("y", bytes ? kOnnxFloat : type).Bytes();
}

std::string WideNetwork(int columns, bool mixes) {
  ModelBuilder builder(kOpset);
  builder.Input("x", {-1, 1}).Initializer("wide", Int64Tensor({2}, {1, columns}));
  builder.Node("Expand", {"x", "wide"}, {"copies"});
  builder.Node("ReduceMax", {"copies"}, {mixes ? "same" : "y"}, {Attr("axes", std::vector<int64_t>{1})});
  if (mixes) {
    builder.Node("ReduceMean", {"same"}, {"mean"}, {Attr("axes", std::vector<int64_t>{0})});
    builder.Node("Sub", {"same", "mean"}, {"y"});
  }
  return builder.Output("y").Bytes();
}

std::string PairsNetwork() {
  ModelBuilder builder(kOpset);
  builder.Input("x", {-1, 1}).Initializer("column", Int64Tensor({2}, {-1, 1}));
  builder.Node("Transpose", {"x"}, {"t"}).Node("MatMul", {"x", "t"}, {"products"});
  return builder.Node("Reshape", {"products", "column"}, {"y"}).Output("y").Bytes();
}

std::string ConvNetwork() {
  ModelBuilder builder(kOpset);
  std::mt19937 random(1);
  const onnx_schema::AttributeProto pads = Attr("pads", std::vector<int64_t>{1, 1, 1, 1});
  builder.Input("x", {-1, 3, 16, 16});
  builder.Initializer("w1", RandomTensor(random, {16, 3, 3, 3}, 0.2f));
  builder.Initializer("b1", RandomTensor(random, {16}, 0.1f));
  builder.Initializer("w2", RandomTensor(random, {16, 1, 3, 3}, 0.3f));
  builder.Initializer("w3", RandomTensor(random, {16, 16, 1, 1}, 0.25f));
  builder.Initializer("w4", RandomTensor(random, {32, 16, 3, 3}, 0.1f));
  builder.Initializer("w5", RandomTensor(random, {10, 32}, 0.2f));
  builder.Initializer("b5", RandomTensor(random, {10}, 0.1f));
  builder.Node("Conv", {"x", "w1", "b1"}, {"c1"}, {pads}).Node("Relu", {"c1"}, {"r1"});
  builder.Node("Conv", {"r1", "w2"}, {"c2"}, {pads, Attr("group", 16)}).Node("Conv", {"c2", "w3"}, {"c3"});
  builder.Node("Add", {"c3", "r1"}, {"sum"});
  builder.Node("MaxPool", {"sum"}, {"p1"},
               {Attr("kernel_shape", std::vector<int64_t>{2, 2}), Attr("strides", std::vector<int64_t>{2, 2})});
  builder.Node("Conv", {"p1", "w4"}, {"c4"}, {pads}).Node("Relu", {"c4"}, {"r4"});
  builder.Node("GlobalAveragePool", {"r4"}, {"p2"}).Node("Flatten", {"p2"}, {"f"});
  builder.Node("Gemm", {"f", "w5", "b5"}, {"scores"}, {Attr("transB", 1)});
  return builder.Node("Softmax", {"scores"}, {"y"}, {Attr("axis", 1)}).Output("y").Bytes();
}

}  // namespace beak::testing
