#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class GemmRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(GemmRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, GemmRuleTest,
                         ::testing::Values(InferCase{R"(input a float32 [batch, 8]
const b float32 [8, 10] = fill 1
y = Gemm(a, b))",
                                                     "float32 [batch, 10]"},
                                           InferCase{R"(input a float32 [8, batch]
const b float32 [10, 8] = fill 1
const c float32 [10] = fill 1
y = Gemm(a, b, c) {alpha = 0.5, beta = 2.0, transA = 1, transB = 1})",
                                                     "float32 [batch, 10]"},
                                           InferCase{R"(input a float32 [4, 8]
const b float32 [8, 10] = fill 1
const c float32 [4, 1] = fill 1
y = Gemm(a, b, c))",
                                                     "float32 [4, 10]"},
                                           InferCase{R"(input a float32 [4, 8]
const b float32 [8, 10] = fill 1
const c float32 [] = fill 1
y = Gemm(a, b, c))",
                                                     "float32 [4, 10]"},
                                           InferCase{R"(input a float32 [4, 8]
const b float32 [8, 10] = fill 1
const c float32 [4] = fill 1
y = Gemm(a, b, c))",
                                                     "input 2: expected a shape that broadcasts to [4, 10], got [4]"},
                                           InferCase{
                                               R"(input a float32 [1, 8]
const b float32 [8, 10] = fill 1
const c float32 [4, 10] = fill 1
y = Gemm(a, b, c))",
                                               "input 2: expected a shape that broadcasts to [1, 10], got [4, 10]"},
                                           InferCase{R"(input a float32 [4, 8]
const b float32 [7, 10] = fill 1
y = Gemm(a, b))",
                                                     "inner dimensions: expected equal ones, got [4, 8] and [7, 10]"},
                                           InferCase{R"(input a float32 [4, 8, 1]
const b float32 [8, 10] = fill 1
y = Gemm(a, b))",
                                                     "input 0: expected rank 2, got shape [4, 8, 1]"},
                                           InferCase{R"(input a float32 [batch, 8]
const b float32 [8, 10] = fill 1
y = FusedGemm(a, b) {activation = "Clip", activation_alpha = 0.0, activation_beta = 6.0})",
                                                     "float32 [batch, 10]"},
                                           InferCase{R"(input a int32 [2, 8]
input b int32 [8, 10]
y = MatMul(a, b))",
                                                     "int32 [2, 10]"},
                                           InferCase{R"(input a float32 [batch, 1, 2, 8]
input b float32 [5, 8, 10]
y = MatMul(a, b))",
                                                     "float32 [batch, 5, 2, 10]"},
                                           InferCase{R"(input a float32 [8]
input b float32 [5, 8, 10]
y = MatMul(a, b))",
                                                     "float32 [5, 10]"},
                                           InferCase{R"(input a float32 [5, 2, 8]
input b float32 [8]
y = MatMul(a, b))",
                                                     "float32 [5, 2]"},
                                           InferCase{R"(input a float32 [8]
input b float32 [8]
y = MatMul(a, b))",
                                                     "float32 []"},
                                           InferCase{R"(input a float32 [2, 8]
input b float32 [7, 3]
y = MatMul(a, b))",
                                                     "inner dimensions: expected equal ones"},
                                           InferCase{R"(input a float32 [3, 2, 8]
input b float32 [2, 8, 3]
y = MatMul(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [3] and [2]"},
                                           InferCase{R"(input a float32 []
input b float32 [8]
y = MatMul(a, b))",
                                                     "input 0: expected rank 1 or more, got shape []"},
                                           InferCase{R"(input a bool [2, 2]
input b bool [2, 2]
y = MatMul(a, b))",
                                                     "input 0: expected a type of numbers, got bool"}));

}  // namespace
}  // namespace beak
