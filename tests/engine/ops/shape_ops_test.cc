#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class ShapeOpsRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(ShapeOpsRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, ShapeOpsRuleTest,
                         ::testing::Values(InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Shape(x))",
                                                     "int64 [4]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Shape(x) {end = -1, start = 1})",
                                                     "int64 [2]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Shape(x) {end = 1, start = 3})",
                                                     "int64 [0]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Shape(x) {end = 100, start = -100})",
                                                     "int64 [4]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {-1, 60}
y = Reshape(x, s))",
                                                     "float32 [batch, 60]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {0, -1}
y = Reshape(x, s))",
                                                     "float32 [batch, 60]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [3] = {0, 0, -1}
y = Reshape(x, s))",
                                                     "float32 [batch, 3, 20]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {-1, 30}
y = Reshape(x, s))",
                                                     "float32 [?, 30]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [1] = {-1}
y = Reshape(x, s))",
                                                     "float32 [?]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {1, 60}
y = Reshape(x, s))",
                                                     "float32 [1, 60]"},
                                           InferCase{R"(input x float32 [?, 3, 4]
const s int64 [2] = {0, -1}
y = Reshape(x, s))",
                                                     "float32 [?, 12]"},
                                           InferCase{R"(input x float32 [2, 3]
const s int64 [1] = {-1}
y = Reshape(x, s))",
                                                     "float32 [6]"},
                                           InferCase{R"(input x float32 [2, 3]
const s int64 [0] = {}
y = Reshape(x, s))",
                                                     "reshape: expected as many elements as [2, 3] has, got []"},
                                           InferCase{R"(input x float32 [1, 1]
const s int64 [0] = {}
y = Reshape(x, s))",
                                                     "float32 []"},
                                           InferCase{R"(input x float32 [0, 3, 4]
const s int64 [3] = {3, 4, 0}
y = Reshape(x, s) {allowzero = 1})",
                                                     "float32 [3, 4, 0]"},
                                           InferCase{R"(input x float32 [2, 3]
const s int32 [2] = {3, 2}
y = Reshape(x, s))",
                                                     "float32 [3, 2]"},
                                           InferCase{R"(input x float32 [2, 3]
input s int64 [1]
y = Reshape(x, s))",
                                                     "float32 [6]"},
                                           InferCase{R"(input x float32 [2, 3]
input s int64 [2]
y = Reshape(x, s))",
                                                     "float32 [?, ?]"},
                                           InferCase{R"(input x float32 [2, 3]
input s int64 [n]
y = Reshape(x, s))",
                                                     "float32 of unknown rank"},
                                           InferCase{R"(input x float32 [2, 3]
const s int64 [2] = {4, 2}
y = Reshape(x, s))",
                                                     "reshape: expected as many elements as [2, 3] has, got [4, 2]"},
                                           InferCase{R"(input x float32 [2, 3]
const s int64 [2] = {4, -1}
y = Reshape(x, s))",
                                                     "reshape: expected as many elements as [2, 3] has, got [4, ?]"},
                                           InferCase{R"(input x float32 [2, 3]
const s int64 [3] = {2, 3, 0}
y = Reshape(x, s))",
                                                     "reshape: expected a dimension 2 to copy, got [2, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Flatten(x))",
                                                     "float32 [batch, 60]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Flatten(x) {axis = 0})",
                                                     "float32 [1, ?]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Flatten(x) {axis = 4})",
                                                     "float32 [?, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Flatten(x) {axis = -1})",
                                                     "float32 [?, 5]"},
                                           InferCase{R"(input x float32 [2, 3, 4]
y = Flatten(x) {axis = 2})",
                                                     "float32 [6, 4]"},
                                           InferCase{R"(input x float32 []
y = Flatten(x) {axis = 0})",
                                                     "float32 [1, 1]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Flatten(x) {axis = 5})",
                                                     "attribute 'axis': expected one in [-4, 4], got 5"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Transpose(x))",
                                                     "float32 [5, 4, 3, batch]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Transpose(x) {perm = [0, 2, 3, 1]})",
                                                     "float32 [batch, 4, 5, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Transpose(x) {perm = [0, 2, 3]})",
                                                     "attribute 'perm': expected 4 axes, got 3"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Transpose(x) {perm = [0, 2, 2, 1]})",
                                                     "axes: expected each once, got 2 twice"},
                                           InferCase{R"(input x float32 [batch, 3, 1, 1]
const a int64 [2] = {2, -1}
y = Squeeze(x, a))",
                                                     "float32 [batch, 3]"},
                                           InferCase{R"(input x float32 [2, 1, 3, 1]
y = Squeeze(x))",
                                                     "float32 [2, 3]"},
                                           InferCase{R"(input x float32 [batch, 1, 3, 1]
y = Squeeze(x))",
                                                     "float32 of unknown rank"},
                                           InferCase{R"(input x float32 [2, 1]
const a int64 [1] = {0}
y = Squeeze(x, a))",
                                                     "axes: expected a dimension of 1 at 0, got [2, 1]"},
                                           InferCase{R"(input x float32 [batch, 3]
const a int64 [2] = {-1, 1}
y = Unsqueeze(x, a))",
                                                     "float32 [batch, 1, 3, 1]"},
                                           InferCase{R"(input x float32 []
const a int64 [1] = {0}
y = Unsqueeze(x, a))",
                                                     "float32 [1]"},
                                           InferCase{R"(input x float32 [3]
const a int64 [1] = {2}
y = Unsqueeze(x, a))",
                                                     "axis: expected one in [-2, 2) for rank 2, got 2"},
                                           InferCase{R"(input x float32 [3]
input a int64 [1]
y = Unsqueeze(x, a))",
                                                     "float32 of unknown rank"},
                                           InferCase{R"(input x float32 [3, 1]
const s int64 [3] = {2, 1, 6}
y = Expand(x, s))",
                                                     "float32 [2, 3, 6]"},
                                           InferCase{R"(input x float32 [3, 1]
const s int64 [2] = {2, 6}
y = Expand(x, s))",
                                                     "broadcast: expected equal dimensions or 1"},
                                           InferCase{R"(input x float32 [3, 1]
const s int64 [2] = {-1, 6}
y = Expand(x, s))",
                                                     "input 'shape': expected 0 or more, got -1"},
                                           InferCase{R"(input x float32 [batch, 3]
const r int64 [2] = {1, 4}
y = Tile(x, r))",
                                                     "float32 [batch, 12]"},
                                           InferCase{R"(input x float32 [batch, 3]
const r int64 [2] = {2, 0}
y = Tile(x, r))",
                                                     "float32 [?, 0]"},
                                           InferCase{R"(input x float32 [batch, 3]
const r int64 [1] = {2}
y = Tile(x, r))",
                                                     "repeats: expected 2 numbers, got 1"},
                                           InferCase{R"(input x float32 [batch, 3]
input r int64 [2]
y = Tile(x, r))",
                                                     "float32 [?, ?]"},
                                           InferCase{R"(const s int64 [2] = {2, 3}
y = ConstantOfShape(s) {value = int32 [1] {7}})",
                                                     "int32 [2, 3]"},
                                           InferCase{R"(const s int64 [0] = {}
y = ConstantOfShape(s))",
                                                     "float32 []"},
                                           InferCase{R"(input s int64 [3]
y = ConstantOfShape(s))",
                                                     "float32 [?, ?, ?]"},
                                           InferCase{R"(const s int64 [1] = {-2}
y = ConstantOfShape(s))",
                                                     "input 'input': expected 0 or more, got -2"},
                                           InferCase{R"(const s int64 [1] = {2}
y = ConstantOfShape(s) {value = int32 [2] {7, 8}})",
                                                     "attribute 'value': expected one element"}));

}  // namespace
}  // namespace beak
