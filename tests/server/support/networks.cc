#include "tests/server/support/networks.h"

#include "absl/strings/str_cat.h"
#include "tests/engine/formats/onnx/model_builder.h"

namespace beak::testing {
namespace {

constexpr int kOpset = 13;

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

}  // namespace beak::testing
