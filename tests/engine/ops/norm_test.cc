#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class NormRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(NormRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, NormRuleTest,
                         ::testing::Values(InferCase{R"(input x float32 [batch, 3, 8, 9]
const s float32 [3] = fill 1
y = BatchNormalization(x, s, s, s, s) {epsilon = 0.001, momentum = 0.9})",
                                                     "float32 [batch, 3, 8, 9]"},
                                           InferCase{R"(input x float16 [batch, 3]
const s float32 [3] = fill 1
y = BatchNormalization(x, s, s, s, s))",
                                                     "float16 [batch, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 8, 9]
const s float32 [4] = fill 1
y = BatchNormalization(x, s, s, s, s))",
                                                     "input 1: expected a vector of shape [3], got shape [4]"},
                                           InferCase{R"(input x float32 [batch, 3, 8, 9]
const s float32 [3] = fill 1
const v float32 [3, 1] = fill 1
y = BatchNormalization(x, s, s, s, v))",
                                                     "input 4: expected a vector of shape [3], got shape [3, 1]"},
                                           InferCase{R"(input x float32 [3]
const s float32 [3] = fill 1
y = BatchNormalization(x, s, s, s, s))",
                                                     "input 0: expected rank 2 or more, got shape [3]"},
                                           InferCase{R"(input x float32 [batch, 3, 8, 9]
const s float32 [3] = fill 1
y = InstanceNormalization(x, s, s))",
                                                     "float32 [batch, 3, 8, 9]"},
                                           InferCase{R"(input x float16 [batch, 3, 4]
const s float32 [3] = fill 1
y = InstanceNormalization(x, s, s))",
                                                     "input 1: expected float16, got float32"},
                                           InferCase{R"(input x float32 [batch, 3, 8]
const s float32 [3, 8] = fill 1
y = LayerNormalization(x, s, s) {axis = 1})",
                                                     "float32 [batch, 3, 8]"},
                                           InferCase{R"(input x float32 [batch, 3, 8]
const s float32 [8] = fill 1
h, m, y = LayerNormalization(x, s))",
                                                     "float32 [batch, 3, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 8]
const s float32 [3] = fill 1
y = LayerNormalization(x, s))",
                                                     "input 1: expected a shape that broadcasts to [8], got [3]"},
                                           InferCase{R"(input x float32 [batch, 3, 8]
const s float32 [8] = fill 1
y = LayerNormalization(x, s) {axis = 3})",
                                                     "axis: expected one in [-3, 3) for rank 3, got 3"},
                                           InferCase{R"(input x float32 [batch, 3, 8, 9]
y = LRN(x) {alpha = 0.0001, beta = 0.75, bias = 1.0, size = 5})",
                                                     "float32 [batch, 3, 8, 9]"},
                                           InferCase{R"(input x float32 [batch, 3, 8, 9]
y = LRN(x))",
                                                     "attribute 'size': expected one, got none"},
                                           InferCase{R"(input x float32 [batch, 3, 8, 9]
y = LRN(x) {size = 0})",
                                                     "attribute 'size': expected 1 or more, got 0"}));

}  // namespace
}  // namespace beak
