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
// The same by Winograd's F(4x4, 3x3), for images and filters of 3x3 with stride 1, where a model of the cost says that
// it is faster; where there is an activation, it is a clamp.
absl::StatusOr<KernelPlan> PlanWinograd(const KernelRequest& request);
// ConvTranspose.
absl::StatusOr<KernelPlan> PlanDeconvolution(const KernelRequest& request);
// MaxPool (without indices) by our own loops: on AVX2, where at least 8 channels of an image lie side by side and no
// window lies in the padding alone; else the library's.
absl::StatusOr<KernelPlan> PlanMaxPool(const KernelRequest& request);
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
// ConvInputGradient as PlanWinograd.
absl::StatusOr<KernelPlan> PlanWinogradInputGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanConvolutionWeightGradient(const KernelRequest& request);
// ConvWeightGradient of images by our own loops; where they do not apply, the library's. For up to 4 channels, up to
// AVX2, where filters lie side by side in dy; and on AVX2, for at least 8 channels in blocks of 8 and windows of 2 to 5
// columns.
absl::StatusOr<KernelPlan> PlanImageWeightGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanBlockedWeightGradient(const KernelRequest& request);
// ActivationGradient of the functions that are trained most.
absl::StatusOr<KernelPlan> PlanEltwiseGradient(const KernelRequest& request);
// BatchNormalizationTraining and BatchNormalizationGradient by our own loops, on every machine, where channels lie side
// by side or an activation is fused, which makes a reorder worth it; else by the library's, which takes no activation.
absl::StatusOr<KernelPlan> PlanSimdBatchNormalizationTraining(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanSimdBatchNormalizationGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanBatchNormalizationTraining(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanBatchNormalizationGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanMaxPoolGradient(const KernelRequest& request);
absl::StatusOr<KernelPlan> PlanAveragePoolGradient(const KernelRequest& request);
// Between any two layouts of the same tensor.
absl::StatusOr<KernelPlan> PlanReorder(DType dtype, const Shape& shape, const Layout& from, const Layout& to,
                                       int threads);

}  // namespace beak::onednn
