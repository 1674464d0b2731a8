#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class PoolRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(PoolRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Rows, PoolRuleTest,
    ::testing::Values(InferCase{R"(input x float32 [batch, 3, 8, 9]
y = MaxPool(x) {kernel_shape = [2, 2], strides = [2, 2]})",
                                "float32 [batch, 3, 4, 4]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
y = MaxPool(x) {ceil_mode = 1, kernel_shape = [2, 2], strides = [2, 2]})",
                                "float32 [batch, 3, 4, 5]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
v, y = MaxPool(x) {kernel_shape = [3, 3]})",
                                "int64 [batch, 3, 6, 7]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
, y = MaxPool(x) {kernel_shape = [3, 3]})",
                                "MaxPool): output 0: expected one, got none"},
                      InferCase{R"(input x uint8 [1, 1, 4]
y = MaxPool(x) {kernel_shape = [2]})",
                                "uint8 [1, 1, 3]"},
                      InferCase{R"(input x uint8 [1, 1, 4]
y = AveragePool(x) {kernel_shape = [2]})",
                                "input 0: expected a float type, got uint8"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
y = AveragePool(x) {count_include_pad = 1, kernel_shape = [3, 3], pads = [1, 1, 1, 1]})",
                                "float32 [batch, 3, 8, 9]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
y = AveragePool(x) {dilations = [2, 2], kernel_shape = [2, 2]})",
                                "float32 [batch, 3, 6, 7]"},
                      InferCase{R"(input x float32 [batch, c, h, w]
y = AveragePool(x) {kernel_shape = [2, 1], pads = [0, 0, 1, 0]})",
                                "float32 [batch, c, h, w]"},
                      InferCase{R"(input x float32 [batch, c, h, w]
y = MaxPool(x) {kernel_shape = [2, 2], strides = [2, 2]})",
                                "float32 [batch, c, ?, ?]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
y = MaxPool(x))",
                                "MaxPool): attribute 'kernel_shape': expected one, got none"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
y = MaxPool(x) {kernel_shape = [2]})",
                                "attribute 'kernel_shape': expected 2 numbers in [1, 268435456], got [2]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 9]
y = MaxPool(x) {kernel_shape = [2, 2], pads = [0, 2, 0, 0]})",
                                "attribute 'pads': expected less than the window's 2, got [0, 2, 0, 0]"},
                      InferCase{R"(input x float32 [batch, 3, h, 9]
y = GlobalAveragePool(x))",
                                "float32 [batch, 3, 1, 1]"},
                      InferCase{R"(input x float32 [batch, c, h]
y = GlobalMaxPool(x))",
                                "float32 [batch, c, 1]"},
                      InferCase{R"(input x float32 [batch, c]
y = GlobalMaxPool(x))",
                                "input 0: expected rank 3 or more, got shape [batch, c]"}));

}  // namespace
}  // namespace beak
