#pragma once

#include "absl/status/statusor.h"
#include "engine/runtime/kernel.h"

// The kernel factories of this folder, one file per family; backend.cc puts them into the kernel lists.
//
// NaN and infinity are data, and stay in their own row. oneDNN's kernels are not IEEE-faithful with them: Relu, Clip
// and Exp, fused or not, and MaxPool may turn NaN into a finite number; MaxPool of -infinity alone gives the lowest
// float.
namespace beak::onednn {

// Conv and FusedConv: direct convolution with bias, residual sum and activation as post-ops.
absl::StatusOr<KernelPlan> PlanConvolution(const KernelRequest& request);
// ConvTranspose.
absl::StatusOr<KernelPlan> PlanDeconvolution(const KernelRequest& request);
// MaxPool (without indices), AveragePool, GlobalMaxPool, GlobalAveragePool.
absl::StatusOr<KernelPlan> PlanPool(const KernelRequest& request);
// Unary elementwise operators.
absl::StatusOr<KernelPlan> PlanEltwise(const KernelRequest& request);
// Add, Sub, Mul, Div, Max, Min of two operands.
absl::StatusOr<KernelPlan> PlanBinary(const KernelRequest& request);
// Softmax and LogSoftmax.
absl::StatusOr<KernelPlan> PlanSoftmax(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanBatchNormalization(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanLrn(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanConcat(const KernelRequest& request);
// Gemm, FusedGemm and MatMul by a matrix, on simd/gemm.h: oneDNN's own do not keep a row's bits in every batch.
absl::StatusOr<KernelPlan> PlanGemm(const KernelRequest& request);
// ConvInputGradient and ConvWeightGradient.
absl::StatusOr<KernelPlan> PlanConvolutionInputGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanConvolutionWeightGradient(const KernelRequest& request);
// ActivationGradient of the functions that are trained most.
absl::StatusOr<KernelPlan> PlanEltwiseGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanBatchNormalizationTraining(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanBatchNormalizationGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanMaxPoolGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanAveragePoolGradient(const KernelRequest& request);
// Between any two layouts of the same tensor.
absl::StatusOr<KernelPlan> PlanReorder(DType dtype, const Shape& shape, const Layout& from, const Layout& to,
                                       int threads);

}  // namespace beak::onednn
