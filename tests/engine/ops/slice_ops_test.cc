#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class SliceOpsRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(SliceOpsRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Rows, SliceOpsRuleTest,
    ::testing::Values(InferCase{R"(input a float32 [batch, 3, 4]
input b float32 [batch, 5, 4]
y = Concat(a, b) {axis = 1})",
                                "float32 [batch, 8, 4]"},
                      InferCase{R"(input a float32 [?, 3]
input b float32 [batch, 5]
input c float32 [7, 1]
y = Concat(a, b, c) {axis = -1})",
                                "float32 [7, 9]"},
                      InferCase{R"(input a float32 [batch, 3]
input b float32 [2, 3]
y = Concat(a, b) {axis = 0})",
                                "float32 [?, 3]"},
                      InferCase{R"(input a float32 [batch, 3]
y = Concat(a) {axis = 0})",
                                "float32 [batch, 3]"},
                      InferCase{R"(input a float32 [2, 3]
input b float32 [2, 4]
y = Concat(a, b) {axis = 0})",
                                "input 1: expected dimensions as [2, 3] has but for 0, got [2, 4]"},
                      InferCase{R"(input a float32 [2, 3]
input b float32 [2]
y = Concat(a, b) {axis = 0})",
                                "input 1: expected rank 2, got shape [2]"},
                      InferCase{R"(input a float32 [2]
input b int32 [2]
y = Concat(a, b) {axis = 0})",
                                "input 1: expected float32, got int32"},
                      InferCase{R"(input a float32 [2]
y = Concat(a))",
                                "attribute 'axis': expected one, got none"},
                      InferCase{R"(input x float32 [batch, 6]
a, y = Split(x) {axis = 1})",
                                "float32 [batch, 3]"},
                      InferCase{R"(input x float32 [7]
a, b, y = Split(x) {num_outputs = 3})",
                                "float32 [1]"},
                      InferCase{R"(input x float32 [7]
y, b, c = Split(x))",
                                "float32 [3]"},
                      InferCase{R"(input x float32 [batch, 6]
const s int64 [2] = {2, 4}
a, y = Split(x, s) {axis = 1})",
                                "float32 [batch, 4]"},
                      InferCase{R"(input x float32 [batch, 6]
const s int64 [2] = {2, 4}
a, y = Split(x, s))",
                                "float32 [4, 6]"},
                      InferCase{R"(input x float32 [batch, 6]
a, y = Split(x))",
                                "float32 [?, 6]"},
                      InferCase{R"(input x float32 [6]
const s int64 [2] = {2, 3}
a, y = Split(x, s))",
                                "split: expected sizes that add up to 6, got [2, 3]"},
                      InferCase{R"(input x float32 [6]
const s int64 [2] = {-2, 8}
a, y = Split(x, s))",
                                "split: expected sizes that add up to 6, got [-2, 8]"},
                      InferCase{R"(input x float32 [6]
const s int64 [3] = {2, 3, 1}
a, y = Split(x, s))",
                                "split: expected 2 numbers, got 3"},
                      InferCase{R"(input x float32 [6]
a, y = Split(x) {num_outputs = 3})",
                                "attribute 'num_outputs': expected 2 as the node has, got 3"},
                      InferCase{R"(input x float32 [6]
input s int64 [2]
a, y = Split(x, s))",
                                "float32 [?]"},
                      InferCase{R"(input x float32 [batch, 10, 10]
const s int64 [2] = {1, -3}
const e int64 [2] = {9, 1000}
const a int64 [2] = {1, 2}
y = Slice(x, s, e, a))",
                                "float32 [batch, 8, 3]"},
                      InferCase{R"(input x float32 [10, batch]
const s int64 [2] = {9, -1}
const e int64 [2] = {-1000, -2147483647}
const a int64 [2] = {0, 1}
const t int64 [2] = {-2, -1}
y = Slice(x, s, e, a, t))",
                                "float32 [5, batch]"},
                      InferCase{R"(input x float32 [batch, 10]
const s int64 [1] = {0}
const e int64 [1] = {9223372036854775807}
y = Slice(x, s, e))",
                                "float32 [batch, 10]"},
                      InferCase{R"(input x float32 [batch, 10]
const s int64 [1] = {0}
const e int64 [1] = {1}
y = Slice(x, s, e))",
                                "float32 [?, 10]"},
                      InferCase{R"(input x float32 [batch, 10]
input s int64 [1]
const e int64 [1] = {1}
y = Slice(x, s, e))",
                                "float32 [?, ?]"},
                      InferCase{R"(input x float32 [10]
const s int64 [1] = {0}
const e int64 [2] = {1, 2}
y = Slice(x, s, e))",
                                "ends: expected 1 numbers, got 2"},
                      InferCase{R"(input x float32 [10]
const s int64 [2] = {0, 0}
const e int64 [2] = {1, 2}
y = Slice(x, s, e))",
                                "axes: expected at most 1, got 2"},
                      InferCase{R"(input x float32 [10]
const s int64 [1] = {0}
const t int64 [1] = {0}
y = Slice(x, s, s, , t))",
                                "steps: expected other than 0, got 0"},
                      InferCase{R"(input x float32 [batch, 5, 7]
input i int64 [2, 3]
y = Gather(x, i) {axis = 1})",
                                "float32 [batch, 2, 3, 7]"},
                      InferCase{R"(input x float32 [batch, 5]
const i int32 [] = {0}
y = Gather(x, i))",
                                "float32 [5]"},
                      InferCase{R"(input x float32 [batch, 5]
input i float32 [2]
y = Gather(x, i))",
                                "input 1: expected int32 or int64, got float32"},
                      InferCase{R"(input x float32 []
input i int64 [2]
y = Gather(x, i))",
                                "axis: expected one in [0, 0) for rank 0, got 0"},
                      InferCase{R"(input x float32 [batch, 3, 4]
const p int64 [6] = {0, 1, 2, 0, 3, -1}
y = Pad(x, p))",
                                "float32 [batch, 7, 5]"},
                      InferCase{R"(input x float32 [batch, 3, 4]
const p int64 [2] = {1, 1}
const a int64 [1] = {-1}
const v float32 [] = {0}
y = Pad(x, p, v, a))",
                                "float32 [batch, 3, 6]"},
                      InferCase{R"(input x float32 [batch, 3]
const p int64 [4] = {1, 0, 0, 0}
y = Pad(x, p))",
                                "float32 [?, 3]"},
                      InferCase{R"(input x float32 [3]
const p int64 [2] = {2, 2}
y = Pad(x, p) {mode = "reflect"})",
                                "float32 [7]"},
                      InferCase{R"(input x float32 [3]
const p int64 [2] = {3, 0}
y = Pad(x, p) {mode = "reflect"})",
                                "pads: expected what mode 'reflect' can make of 3 elements, got 3"},
                      InferCase{R"(input x float32 [0]
const p int64 [2] = {1, 0}
y = Pad(x, p) {mode = "edge"})",
                                "pads: expected what mode 'edge' can make of 0 elements, got 1"},
                      InferCase{R"(input x float32 [3]
const p int64 [2] = {7, 7}
y = Pad(x, p) {mode = "wrap"})",
                                "float32 [17]"},
                      InferCase{R"(input x float32 [3]
const p int64 [2] = {-2, -2}
y = Pad(x, p))",
                                "pads: expected to cut off at most 3, got -2 and -2"},
                      InferCase{R"(input x float32 [3]
const p int64 [3] = {1, 1, 1}
y = Pad(x, p))",
                                "pads: expected 2 numbers, got 3"},
                      InferCase{R"(input x float32 [3]
const p int64 [2] = {1, 1}
const v float64 [] = {0}
y = Pad(x, p, v))",
                                "value: expected float32, got float64"},
                      InferCase{R"(input x float32 [batch, 3]
input p int64 [4]
y = Pad(x, p))",
                                "float32 [?, ?]"}));

}  // namespace
}  // namespace beak
