#include "tests/engine/ops/infer_text.h"

namespace beak {
namespace {

class ElementwiseUnaryRuleTest : public ::testing::TestWithParam<InferCase> {};

TEST_P(ElementwiseUnaryRuleTest, Infers) { ExpectInferred(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rows, ElementwiseUnaryRuleTest,
                         ::testing::Values(InferCase{R"(input x float32 [batch, ?]
y = Exp(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = Exp(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x float32 [batch, ?]
y = Log(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = Log(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x float32 [batch, ?]
y = Sqrt(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = Sqrt(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x float32 [batch, ?]
y = Tanh(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = Tanh(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x float32 [batch, ?]
y = Sigmoid(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = Sigmoid(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x float32 [batch, ?]
y = Softplus(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = Softplus(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x float32 [batch, ?]
y = HardSwish(x))",
                                                     "float32 [batch, ?]"},
                                           InferCase{R"(input x int32 [2]
y = HardSwish(x))",
                                                     "input 0: expected a float type, got int32"},
                                           InferCase{R"(input x int8 [batch, ?]
y = Abs(x))",
                                                     "int8 [batch, ?]"},
                                           InferCase{R"(input x bool [2]
y = Abs(x))",
                                                     "input 0: expected a type of numbers, got bool"},
                                           InferCase{R"(input x int8 [batch, ?]
y = Neg(x))",
                                                     "int8 [batch, ?]"},
                                           InferCase{R"(input x bool [2]
y = Neg(x))",
                                                     "input 0: expected a type of numbers, got bool"},
                                           InferCase{R"(input x int8 [batch, ?]
y = Relu(x))",
                                                     "int8 [batch, ?]"},
                                           InferCase{R"(input x bool [2]
y = Relu(x))",
                                                     "input 0: expected a type of numbers, got bool"},
                                           InferCase{R"(input x float32 [2]
y = Elu(x) {alpha = 2.0})",
                                                     "float32 [2]"},
                                           InferCase{R"(input x float32 [2]
y = LeakyRelu(x) {alpha = 2.0})",
                                                     "float32 [2]"},
                                           InferCase{R"(input x float32 [2]
y = Selu(x) {alpha = 2.0, gamma = 3.0})",
                                                     "float32 [2]"},
                                           InferCase{R"(input x float32 [2]
y = HardSigmoid(x) {alpha = 2.0, beta = 3.0})",
                                                     "float32 [2]"},
                                           InferCase{R"(input x bool [n]
y = Identity(x))",
                                                     "bool [n]"},
                                           InferCase{R"(input x float32 [n]
y = Cast(x) {to = "uint8"})",
                                                     "uint8 [n]"},
                                           InferCase{R"(input x float32 [n]
y = Cast(x) {to = "string"})",
                                                     "attribute 'to': expected one of"},
                                           InferCase{R"(input x float32 [n]
y = Cast(x))",
                                                     "attribute 'to': expected one, got none"},
                                           InferCase{R"(input x int8 [n]
const m int8 [] = {6}
y = Clip(x, , m))",
                                                     "int8 [n]"},
                                           InferCase{R"(input x float32 [n]
const m float32 [1] = {6}
y = Clip(x, m))",
                                                     "float32 [n]"},
                                           InferCase{R"(input x float32 [n]
const m float32 [2] = {6, 7}
y = Clip(x, m))",
                                                     "input 1: expected one element, got shape [2]"},
                                           InferCase{R"(input x float32 [n]
const m float64 [] = {6}
y = Clip(x, m))",
                                                     "input 1: expected float32, got float64"},
                                           InferCase{R"(input x float32 [n]
const r float32 [] = {0.5}
y, m = Dropout(x, r))",
                                                     "float32 [n]"},
                                           InferCase{R"(input x float32 [n]
const r float32 [] = {0.5}
const t bool [] = {0}
z, y = Dropout(x, r, t))",
                                                     "bool [n]"},
                                           InferCase{R"(input x float32 [n]
const t bool [] = {1}
y = Dropout(x, , t))",
                                                     "UNIMPLEMENTED: node 'y' (Dropout): training mode"},
                                           InferCase{R"(input x float32 [n]
const t int32 [] = {1}
y = Dropout(x, , t))",
                                                     "input 'training_mode': expected one bool"}));

}  // namespace
}  // namespace beak
