#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class ReduceRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(ReduceRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, ReduceRuleTest,
                         ::testing::Values(InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {-1, 2}
y = ReduceMax(x, a))",
                                                     "float32 [batch, 3, 1, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {2, 3}
y = ReduceMax(x, a) {keepdims = 0})",
                                                     "float32 [batch, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {-1, 2}
y = ReduceMean(x, a))",
                                                     "float32 [batch, 3, 1, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {2, 3}
y = ReduceMean(x, a) {keepdims = 0})",
                                                     "float32 [batch, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {-1, 2}
y = ReduceSum(x, a))",
                                                     "float32 [batch, 3, 1, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {2, 3}
y = ReduceSum(x, a) {keepdims = 0})",
                                                     "float32 [batch, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = ReduceMean(x))",
                                                     "float32 [1, 1, 1, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = ReduceMean(x) {keepdims = 0})",
                                                     "float32 []"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [0] = {}
y = ReduceMean(x, a))",
                                                     "float32 [1, 1, 1, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = ReduceMean(x) {noop_with_empty_axes = 1})",
                                                     "float32 [batch, 3, 4, 5]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [1] = {4}
y = ReduceMean(x, a))",
                                                     "axis: expected one in [-4, 4) for rank 4, got 4"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a int64 [2] = {3, -1}
y = ReduceMean(x, a))",
                                                     "axes: expected each once, got -1 twice"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const a float32 [1] = {1}
y = ReduceMean(x, a))",
                                                     "input 'axes': expected int32 or int64, got float32"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
input a int64 [1]
y = ReduceMean(x, a))",
                                                     "float32 [?, ?, ?, ?]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
input a int64 [1]
y = ReduceMean(x, a) {keepdims = 0})",
                                                     "float32 of unknown rank"},
                                           InferCase{R"(input x bool [2]
y = ReduceMax(x))",
                                                     "bool [1]"},
                                           InferCase{R"(input x bool [2]
y = ReduceSum(x))",
                                                     "input 0: expected a type of numbers, got bool"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = ArgMax(x))",
                                                     "int64 [1, 3, 4, 5]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = ArgMax(x) {axis = -3, keepdims = 0, select_last_index = 1})",
                                                     "int64 [batch, 4, 5]"},
                                           InferCase{R"(input x float32 [2, 0]
y = ArgMax(x) {axis = 1})",
                                                     "axis: expected at least one element, got none"},
                                           InferCase{R"(input x float32 []
y = ArgMax(x))",
                                                     "axis: expected one in [0, 0) for rank 0, got 0"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Softmax(x) {axis = 1})",
                                                     "float32 [batch, 3, 4, 5]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = LogSoftmax(x))",
                                                     "float32 [batch, 3, 4, 5]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Softmax(x) {axis = 4})",
                                                     "axis: expected one in [-4, 4) for rank 4, got 4"}));

}  // namespace
}  // namespace beak
