#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/gradient.h"

namespace beak {

// What the gradient rules of several families share. Only for engine/ops.

ValueId EmitInts(GradientContext& context, const std::vector<int64_t>& values);  // a vector of int64
ValueId EmitScalar(GradientContext& context, DType dtype, double value);
ValueId EmitScaled(GradientContext& context, ValueId x, DType dtype, double factor);  // itself where that is 1
ValueId EmitReshape(GradientContext& context, ValueId x, const Shape& shape);
ValueId EmitTransposed(GradientContext& context, ValueId x, size_t rank);  // the last two dimensions swapped
ValueId EmitSum(GradientContext& context, ValueId x, const std::vector<int64_t>& axes, bool keep);

// The sum over what was broadcast: `x` has the shape `from`, to which an operand of the shape `to` was broadcast.
ValueId EmitSumTo(GradientContext& context, ValueId x, const Shape& from, const Shape& to);
// Gives input i its part of `x`, which has the shape of the node's first output.
void GiveBroadcast(GradientContext& context, size_t i, ValueId x);

// The families, one file each.
std::vector<GradientEntry> ConvGradients();         // gradient_conv.cc
std::vector<GradientEntry> ElementwiseGradients();  // gradient_elementwise.cc
std::vector<GradientEntry> GemmGradients();         // gradient_gemm.cc
std::vector<GradientEntry> LossGradients();         // gradient_loss.cc
std::vector<GradientEntry> NormGradients();         // gradient_norm.cc
std::vector<GradientEntry> PoolGradients();         // gradient_pool.cc
std::vector<GradientEntry> ReduceGradients();       // gradient_reduce.cc
std::vector<GradientEntry> ShapeGradients();        // gradient_shape.cc

}  // namespace beak
