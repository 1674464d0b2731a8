#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class ConvRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(ConvRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Rows, ConvRuleTest,
    ::testing::Values(InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
y = Conv(x, w))",
                                "float32 [batch, 4, 6, 6]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
const b float32 [4] = fill 1
y = Conv(x, w, b) {kernel_shape = [3, 3], pads = [1, 1, 1, 1]})",
                                "float32 [batch, 4, 8, 8]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
y = Conv(x, w) {strides = [2, 3]})",
                                "float32 [batch, 4, 3, 2]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
y = Conv(x, w) {dilations = [2, 3]})",
                                "float32 [batch, 4, 4, 2]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
y = Conv(x, w) {auto_pad = "SAME_UPPER", strides = [2, 2]})",
                                "float32 [batch, 4, 4, 4]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
y = Conv(x, w) {auto_pad = "VALID", strides = [2, 2]})",
                                "float32 [batch, 4, 3, 3]"},
                      InferCase{R"(input x float32 [batch, 3, h, w]
const k float32 [4, 3, 3, 3] = fill 1
y = Conv(x, k) {pads = [1, 1, 1, 1]})",
                                "float32 [batch, 4, h, w]"},
                      InferCase{R"(input x float32 [batch, 3, h, w]
const k float32 [4, 3, 3, 3] = fill 1
y = Conv(x, k) {auto_pad = "SAME_LOWER"})",
                                "float32 [batch, 4, h, w]"},
                      InferCase{R"(input x float32 [batch, 3, h, w]
const k float32 [4, 3, 3, 3] = fill 1
y = Conv(x, k))",
                                "float32 [batch, 4, ?, ?]"},
                      InferCase{R"(input x float32 [1, 6, 9]
const w float32 [4, 2, 3] = fill 1
y = Conv(x, w) {group = 3})",
                                "Conv): attribute 'group': expected a divisor of the weights' channels [4], got 3"},
                      InferCase{R"(input x float32 [1, 6, 9]
const w float32 [6, 2, 3] = fill 1
y = Conv(x, w) {group = 3})",
                                "float32 [1, 6, 7]"},
                      InferCase{R"(input x float32 [1, 6, 9, 9]
const w float32 [6, 1, 3, 3] = fill 1
y = Conv(x, w) {group = 6})",
                                "float32 [1, 6, 7, 7]"},
                      InferCase{R"(input x float32 [1, 2, 5, 5, 5]
const w float32 [3, 2, 2, 2, 2] = fill 1
y = Conv(x, w))",
                                "float32 [1, 3, 4, 4, 4]"},
                      InferCase{R"(input x float32 [1, 3, 8, 8]
input w float32 [m, 3, k, k]
y = Conv(x, w))",
                                "float32 [1, m, ?, ?]"},
                      InferCase{R"(input x float32 [1, 3, 8, 8]
input w float32 [m, 3, k, k]
y = Conv(x, w) {kernel_shape = [3, 1]})",
                                "float32 [1, m, 6, 8]"},
                      InferCase{R"(input x float16 [0, 3, 8, 8]
input w float16 [4, 3, 1, 1]
y = Conv(x, w))",
                                "float16 [0, 4, 8, 8]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 2, 3, 3] = fill 1
y = Conv(x, w))",
                                "channels: expected 2 as the weights [4, 2, 3, 3] have, got [batch, 3, 8, 8]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
const b float32 [3] = fill 1
y = Conv(x, w, b))",
                                "input 2: expected a vector of shape [4], got shape [3]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float64 [4, 3, 3, 3] = fill 1
y = Conv(x, w))",
                                "input 1: expected float32, got float64"},
                      InferCase{R"(input x int8 [1, 3, 8, 8]
const w int8 [4, 3, 3, 3] = fill 1
y = Conv(x, w))",
                                "input 0: expected a float type, got int8"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3] = fill 1
y = Conv(x, w))",
                                "weights: expected rank 4 as the input's, got [4, 3, 3]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
y = Conv(x, w) {kernel_shape = [3, 2]})",
                                "attribute 'kernel_shape': expected the weights' window [4, 3, 3, 3], got [3, 2]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 9, 9] = fill 1
y = Conv(x, w))",
                                "window: expected at most 8 elements (input and pads), got 9 in spatial dimension 0"},
                      InferCase{R"(input x float32 [batch, 3]
const w float32 [4, 3] = fill 1
y = Conv(x, w))",
                                "input: expected batch, channels and at least one spatial dimension, got rank 2"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
input r float32 [batch, 4, 6, 6]
y = FusedConv(x, w, , r) {activation = "Relu"})",
                                "float32 [batch, 4, 6, 6]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
input r float32 [batch, 4, 1, 6]
y = FusedConv(x, w, , r))",
                                "residual: expected the output's shape [batch, 4, 6, 6], got [batch, 4, 1, 6]"},
                      InferCase{R"(input x float32 [batch, 3, 8, 8]
const w float32 [4, 3, 3, 3] = fill 1
input r float32 [4, 6, 6]
y = FusedConv(x, w, , r))",
                                "residual: expected the output's shape [batch, 4, 6, 6], got [4, 6, 6]"},
                      InferCase{R"(input x float32 [n, 3, 4, 4]
const w float32 [3, 5, 3, 3] = fill 1
y = ConvTranspose(x, w))",
                                "float32 [n, 5, 6, 6]"},
                      InferCase{R"(input x float32 [n, 4, 4, h]
const w float32 [4, 5, 2, 2] = fill 1
const b float32 [10] = fill 0
y = ConvTranspose(x, w, b) {group = 2, strides = [2, 2]})",
                                "float32 [n, 10, 8, ?]"},
                      InferCase{R"(input x float32 [n, 3, h, w]
const k float32 [3, 5, 3, 3] = fill 1
y = ConvTranspose(x, k) {pads = [1, 1, 1, 1]})",
                                "float32 [n, 5, h, w]"},
                      InferCase{R"(input x float32 [n, 3, h, w]
const k float32 [3, 5, 3, 3] = fill 1
y = ConvTranspose(x, k) {output_shape = [10, 8]})",
                                "float32 [n, 5, 10, 8]"},
                      InferCase{R"(input x float32 [n, 4, 4, 4]
const w float32 [3, 5, 2, 2] = fill 1
y = ConvTranspose(x, w))",
                                "channels: expected 3 as the weights"}));

}  // namespace
}  // namespace beak
