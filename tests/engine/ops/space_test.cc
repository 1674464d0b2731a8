#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class SpaceRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(SpaceRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, SpaceRuleTest,
                         ::testing::Values(InferCase{R"(input x float32 [batch, 8, 2, w]
y = DepthToSpace(x) {blocksize = 2})",
                                                     "float32 [batch, 2, 4, ?]"},
                                           InferCase{R"(input x float32 [batch, 9, 2, 3]
y = DepthToSpace(x) {blocksize = 3, mode = "CRD"})",
                                                     "float32 [batch, 1, 6, 9]"},
                                           InferCase{R"(input x float32 [batch, 8, 2, 3]
y = DepthToSpace(x) {blocksize = 3})",
                                                     "channels: expected a multiple of 9, got 8"},
                                           InferCase{R"(input x float32 [batch, 8, 2]
y = DepthToSpace(x) {blocksize = 2})",
                                                     "input 0: expected rank 4, got shape [batch, 8, 2]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 6]
y = SpaceToDepth(x) {blocksize = 2})",
                                                     "float32 [batch, 12, 2, 3]"},
                                           InferCase{R"(input x float32 [batch, c, h, w]
y = SpaceToDepth(x) {blocksize = 1})",
                                                     "float32 [batch, c, h, w]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = SpaceToDepth(x) {blocksize = 2})",
                                                     "width: expected a multiple of 2, got 5"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s float32 [4] = {1, 1, 2, 2.5}
y = Resize(x, , s))",
                                                     "float32 [batch, 3, 8, 12]"},
                                           InferCase{R"(input x float32 [batch, 3, h, 5]
const s float32 [4] = {1, 1, 2, 1}
y = Resize(x, , s))",
                                                     "float32 [batch, 3, ?, 5]"},
                                           InferCase{R"(input x float32 [batch, 3, h, 5]
const n float32 [0] = {}
const s int64 [4] = {1, 3, 7, 9}
y = Resize(x, n, n, s))",
                                                     "float32 [1, 3, 7, 9]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {7, 9}
y = Resize(x, , , s) {axes = [2, 3]})",
                                                     "float32 [batch, 3, 7, 9]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {8, 8}
y = Resize(x, , , s) {axes = [2, 3], keep_aspect_ratio_policy = "not_larger"})",
                                                     "float32 [batch, 3, 6, 8]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
const s int64 [2] = {8, 8}
y = Resize(x, , , s) {axes = [2, 3], keep_aspect_ratio_policy = "not_smaller"})",
                                                     "float32 [batch, 3, 8, 10]"},
                                           InferCase{R"(input x float32 [batch, 3, h, w]
const r int64 [2] = {8, 9}
s = Shape(x) {end = 2}
t = Concat(s, r) {axis = 0}
y = Resize(x, , , t))",
                                                     "float32 [batch, 3, 8, 9]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
input s float32 [4]
y = Resize(x, , s))",
                                                     "float32 [?, ?, ?, ?]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 5]
y = Resize(x))",
                                                     "inputs: expected either 'scales' or 'sizes', got neither"},
                                           InferCase{R"(input x float32 [batch, 3]
const s float32 [2] = {1, 2}
const z int64 [2] = {1, 6}
y = Resize(x, , s, z))",
                                                     "inputs: expected either 'scales' or 'sizes', got both"},
                                           InferCase{R"(input x float32 [batch, 3]
const s float32 [2] = {1, 2}
y = Resize(x, , s) {mode = "cubic"})",
                                                     "UNIMPLEMENTED: node 'y' (Resize): attribute 'mode': cubic"},
                                           InferCase{R"(input x float32 [batch, 3]
const s float32 [2] = {1, 2}
y = Resize(x, , s) {antialias = 1})",
                                                     "UNIMPLEMENTED: node 'y' (Resize): attribute 'antialias'"},
                                           InferCase{R"(input x float32 [batch, 3]
const s float32 [2] = {1, 2}
y = Resize(x, , s) {coordinate_transformation_mode = "tf_crop_and_resize"})",
                                                     "input 'roi': expected one for tf_crop_and_resize, got none"}));

}  // namespace
}  // namespace beak
