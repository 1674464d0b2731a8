#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class ElementwiseBinaryRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(ElementwiseBinaryRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, ElementwiseBinaryRuleTest,
                         ::testing::Values(InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Add(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Add(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Add(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Sub(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Sub(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Sub(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Mul(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Mul(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Mul(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Div(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Div(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Div(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Max(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Max(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Max(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Min(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Min(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Min(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Sum(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Sum(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Sum(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch, 3, 1]
input b float32 [4]
y = Mean(a, b))",
                                                     "float32 [batch, 3, 4]"},
                                           InferCase{R"(input a float32 [2]
input b int32 [2]
y = Mean(a, b))",
                                                     "input 1: expected float32, got int32"},
                                           InferCase{R"(input a float32 [2]
input b float32 [3]
y = Mean(a, b))",
                                                     "broadcast: expected equal dimensions or 1, got [2] and [3]"},
                                           InferCase{R"(input a float32 [batch]
input b float32 [batch]
y = Add(a, b))",
                                                     "float32 [batch]"},
                                           InferCase{R"(input a float32 [batch]
input b float32 [n]
y = Add(a, b))",
                                                     "float32 [?]"},
                                           InferCase{R"(input a float32 [batch]
input b float32 [1]
y = Add(a, b))",
                                                     "float32 [batch]"},
                                           InferCase{R"(input a float32 [batch]
input b float32 [4]
y = Add(a, b))",
                                                     "float32 [4]"},
                                           InferCase{R"(input a float32 [batch]
input b float32 [0]
y = Add(a, b))",
                                                     "float32 [0]"},
                                           InferCase{R"(input a float32 []
input b float32 []
y = Add(a, b))",
                                                     "float32 []"},
                                           InferCase{R"(input a float32 [3]
input b float32 [2, 1]
input c float32 []
y = Sum(a, b, c))",
                                                     "float32 [2, 3]"},
                                           InferCase{R"(input a float32 [3]
y = Max(a))",
                                                     "float32 [3]"},
                                           InferCase{R"(input a float32 [3]
y = Max(a, ))",
                                                     "input 1: expected one, got none"},
                                           InferCase{R"(y = Max())", "inputs: expected 1 or more, got 0"},
                                           InferCase{R"(input a float32 [3]
y = Add(a))",
                                                     "inputs: expected 2, got 1"},
                                           InferCase{R"(input a bool [3]
y = Add(a, a))",
                                                     "input 0: expected a type of numbers, got bool"},
                                           InferCase{R"(input a bool [3]
input b bool [2, 1]
y = Equal(a, b))",
                                                     "bool [2, 3]"},
                                           InferCase{R"(input a int64 [3]
input b int32 [3]
y = Equal(a, b))",
                                                     "input 1: expected int64, got int32"},
                                           InferCase{R"(input a float32 [3]
input b int32 [2, 1]
y = Pow(a, b))",
                                                     "float32 [2, 3]"},
                                           InferCase{R"(input x float32 [batch, 3, 4, 4]
const s float32 [3, 1, 1] = fill 0.1
y = PRelu(x, s))",
                                                     "float32 [batch, 3, 4, 4]"},
                                           InferCase{R"(input x float32 [3]
const s float32 [2, 3] = fill 0.1
y = PRelu(x, s))",
                                                     "slope: expected a shape that broadcasts to [3], got [2, 3]"},
                                           InferCase{R"(input x float32 [3]
const s float32 [4] = fill 0.1
y = PRelu(x, s))",
                                                     "slope: expected a shape that broadcasts to [3], got [4]"},
                                           InferCase{R"(input c bool [batch, 1]
input a int64 [3]
input b int64 []
y = Where(c, a, b))",
                                                     "int64 [batch, 3]"},
                                           InferCase{R"(input c float32 [1]
y = Where(c, c, c))",
                                                     "condition: expected bool, got float32"},
                                           InferCase{R"(input c bool [1]
input a int64 [3]
input b int32 []
y = Where(c, a, b))",
                                                     "input 2: expected int64, got int32"}));

}  // namespace
}  // namespace beak
