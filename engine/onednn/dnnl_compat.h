#pragma once

#include <vector>

#include "dnnl.hpp"

// oneDNN 2.6 (Debian 12) describes an operation, then asks for a primitive; oneDNN 3 (Debian 13) asks at once. This is
// the only file with a version test: each function is one question, put in the words of the version at hand. They throw
// dnnl::error where the library has no implementation; Plan() in primitive.h turns that into a refusal.
namespace beak::onednn {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

inline constexpr dnnl::prop_kind kInference = dnnl::prop_kind::forward_inference;

// The window of a convolution or pool in oneDNN's terms: its dilations are 0 for a dense window.
struct WindowDims {
  Dims strides, dilations, pads_begin, pads_end;
};

#if DNNL_VERSION_MAJOR >= 3

inline Dims DimsOf(const Desc& desc) { return desc.get_dims(); }
inline int InnerBlockCount(const Desc& desc) { return desc.get_inner_nblks(); }
inline int InnerBlockAxis(const Desc& desc) { return static_cast<int>(desc.get_inner_idxs()[0]); }
inline int64_t InnerBlockSize(const Desc& desc) { return desc.get_inner_blks()[0]; }
inline Dims StridesOf(const Desc& desc) { return desc.get_strides(); }

inline void AppendEltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
  ops.append_eltwise(algorithm, alpha, beta);
}
inline void AppendSum(dnnl::post_ops& ops) { ops.append_sum(1.0f); }

inline auto ConvolutionForward(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& bias,
                               const Desc& dst, const WindowDims& w, const dnnl::primitive_attr& attr) {
  return dnnl::convolution_forward::primitive_desc(engine, kInference, dnnl::algorithm::convolution_direct, src,
                                                   weights, bias, dst, w.strides, w.dilations, w.pads_begin, w.pads_end,
                                                   attr);
}
inline auto DeconvolutionForward(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& bias,
                                 const Desc& dst, const WindowDims& w, const dnnl::primitive_attr& attr) {
  return dnnl::deconvolution_forward::primitive_desc(engine, kInference, dnnl::algorithm::deconvolution_direct, src,
                                                     weights, bias, dst, w.strides, w.dilations, w.pads_begin,
                                                     w.pads_end, attr);
}
using PoolingPrimitive = dnnl::pooling_forward;
inline auto PoolingForward(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& src, const Desc& dst,
                           const Dims& kernel, const WindowDims& w, const dnnl::primitive_attr& attr) {
  return dnnl::pooling_forward::primitive_desc(engine, kInference, algorithm, src, dst, w.strides, kernel, w.dilations,
                                               w.pads_begin, w.pads_end, attr);
}
inline auto EltwiseForward(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& data, float alpha,
                           float beta, const dnnl::primitive_attr& attr) {
  return dnnl::eltwise_forward::primitive_desc(engine, kInference, algorithm, data, data, alpha, beta, attr);
}
inline auto Binary(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& a, const Desc& b, const Desc& dst,
                   const dnnl::primitive_attr& attr) {
  return dnnl::binary::primitive_desc(engine, algorithm, a, b, dst, attr);
}
inline auto SoftmaxForward(const dnnl::engine& engine, const Desc& data, int axis, const dnnl::primitive_attr& attr) {
  return dnnl::softmax_forward::primitive_desc(engine, kInference, dnnl::algorithm::softmax_accurate, data, data, axis,
                                               attr);
}
using LogSoftmaxPrimitive = dnnl::softmax_forward;
inline auto LogSoftmaxForward(const dnnl::engine& engine, const Desc& data, int axis,
                              const dnnl::primitive_attr& attr) {
  return dnnl::softmax_forward::primitive_desc(engine, kInference, dnnl::algorithm::softmax_log, data, data, axis,
                                               attr);
}
inline auto BatchNormalizationForward(const dnnl::engine& engine, const Desc& data, float epsilon,
                                      const dnnl::primitive_attr& attr) {
  using dnnl::normalization_flags;
  return dnnl::batch_normalization_forward::primitive_desc(
      engine, kInference, data, data, epsilon,
      normalization_flags::use_global_stats | normalization_flags::use_scale | normalization_flags::use_shift, attr);
}
inline auto LrnForward(const dnnl::engine& engine, const Desc& data, int64_t size, float alpha, float beta, float k,
                       const dnnl::primitive_attr& attr) {
  return dnnl::lrn_forward::primitive_desc(engine, kInference, dnnl::algorithm::lrn_across_channels, data, data, size,
                                           alpha, beta, k, attr);
}
inline auto Concat(const dnnl::engine& engine, int axis, const std::vector<Desc>& sources,
                   const dnnl::primitive_attr& attr) {
  return dnnl::concat::primitive_desc(engine, axis, sources, attr);
}
inline auto ConvolutionTraining(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& bias,
                                const Desc& dst, const WindowDims& w) {
  return dnnl::convolution_forward::primitive_desc(engine, dnnl::prop_kind::forward_training,
                                                   dnnl::algorithm::convolution_direct, src, weights, bias, dst,
                                                   w.strides, w.dilations, w.pads_begin, w.pads_end);
}
inline auto ConvolutionBackwardData(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& dst,
                                    const WindowDims& w, const dnnl::primitive_attr& attr) {
  return dnnl::convolution_backward_data::primitive_desc(
      engine, dnnl::algorithm::convolution_direct, src, weights, dst, w.strides, w.dilations, w.pads_begin, w.pads_end,
      ConvolutionTraining(engine, src, weights, Desc(), dst, w), attr);
}
inline auto ConvolutionBackwardWeights(const dnnl::engine& engine, const Desc& src, const Desc& weights,
                                       const Desc& bias, const Desc& dst, const WindowDims& w,
                                       const dnnl::primitive_attr& attr) {
  return dnnl::convolution_backward_weights::primitive_desc(
      engine, dnnl::algorithm::convolution_direct, src, weights, bias, dst, w.strides, w.dilations, w.pads_begin,
      w.pads_end, ConvolutionTraining(engine, src, weights, bias, dst, w), attr);
}
inline auto EltwiseBackward(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& data, float alpha,
                            float beta, const dnnl::primitive_attr& attr) {
  const dnnl::eltwise_forward::primitive_desc hint(engine, dnnl::prop_kind::forward_training, algorithm, data, data,
                                                   alpha, beta);
  return dnnl::eltwise_backward::primitive_desc(engine, algorithm, data, data, data, alpha, beta, hint, attr);
}
inline const auto kBatchNormalizationFlags =
    dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
inline auto BatchNormalizationTraining(const dnnl::engine& engine, const Desc& data, float epsilon,
                                       const dnnl::primitive_attr& attr) {
  return dnnl::batch_normalization_forward::primitive_desc(engine, dnnl::prop_kind::forward_training, data, data,
                                                           epsilon, kBatchNormalizationFlags, attr);
}
inline auto BatchNormalizationBackward(const dnnl::engine& engine, const Desc& data, float epsilon,
                                       const dnnl::primitive_attr& attr) {
  return dnnl::batch_normalization_backward::primitive_desc(
      engine, dnnl::prop_kind::backward, data, data, data, epsilon, kBatchNormalizationFlags,
      BatchNormalizationTraining(engine, data, epsilon, dnnl::primitive_attr()), attr);
}
inline constexpr bool kNormBackwardTakesShift = false;
// x * clip(x / 6 + 1/2, 0, 1)
inline constexpr float kHardSwishAlpha = 1.0f / 6.0f;
inline constexpr float kHardSwishBeta = 0.5f;
inline constexpr float kSoftplusAlpha = 1.0f;  // log(1 + exp(alpha * x)) / alpha

#else

inline Dims DimsOf(const Desc& desc) { return desc.dims(); }
inline int InnerBlockCount(const Desc& desc) { return desc.data.format_desc.blocking.inner_nblks; }
inline int InnerBlockAxis(const Desc& desc) { return static_cast<int>(desc.data.format_desc.blocking.inner_idxs[0]); }
inline int64_t InnerBlockSize(const Desc& desc) { return desc.data.format_desc.blocking.inner_blks[0]; }
inline Dims StridesOf(const Desc& desc) {
  const auto& strides = desc.data.format_desc.blocking.strides;
  return Dims(strides, strides + desc.data.ndims);
}

inline void AppendEltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha, float beta) {
  ops.append_eltwise(1.0f, algorithm, alpha, beta);
}
inline void AppendSum(dnnl::post_ops& ops) { ops.append_sum(1.0f); }

inline auto ConvolutionForward(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& bias,
                               const Desc& dst, const WindowDims& w, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::convolution_forward;
  return Primitive::primitive_desc(Primitive::desc(kInference, dnnl::algorithm::convolution_direct, src, weights, bias,
                                                   dst, w.strides, w.dilations, w.pads_begin, w.pads_end),
                                   attr, engine);
}
inline auto DeconvolutionForward(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& bias,
                                 const Desc& dst, const WindowDims& w, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::deconvolution_forward;
  return Primitive::primitive_desc(Primitive::desc(kInference, dnnl::algorithm::deconvolution_direct, src, weights,
                                                   bias, dst, w.strides, w.dilations, w.pads_begin, w.pads_end),
                                   attr, engine);
}
using PoolingPrimitive = dnnl::pooling_v2_forward;
inline auto PoolingForward(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& src, const Desc& dst,
                           const Dims& kernel, const WindowDims& w, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::pooling_v2_forward;
  return Primitive::primitive_desc(
      Primitive::desc(kInference, algorithm, src, dst, w.strides, kernel, w.dilations, w.pads_begin, w.pads_end), attr,
      engine);
}
inline auto EltwiseForward(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& data, float alpha,
                           float beta, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::eltwise_forward;
  return Primitive::primitive_desc(Primitive::desc(kInference, algorithm, data, alpha, beta), attr, engine);
}
inline auto Binary(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& a, const Desc& b, const Desc& dst,
                   const dnnl::primitive_attr& attr) {
  return dnnl::binary::primitive_desc(dnnl::binary::desc(algorithm, a, b, dst), attr, engine);
}
inline auto SoftmaxForward(const dnnl::engine& engine, const Desc& data, int axis, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::softmax_forward;
  return Primitive::primitive_desc(Primitive::desc(kInference, data, axis), attr, engine);
}
using LogSoftmaxPrimitive = dnnl::logsoftmax_forward;
inline auto LogSoftmaxForward(const dnnl::engine& engine, const Desc& data, int axis,
                              const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::logsoftmax_forward;
  return Primitive::primitive_desc(Primitive::desc(kInference, data, axis), attr, engine);
}
inline auto BatchNormalizationForward(const dnnl::engine& engine, const Desc& data, float epsilon,
                                      const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::batch_normalization_forward;
  using dnnl::normalization_flags;
  return Primitive::primitive_desc(Primitive::desc(kInference, data, epsilon,
                                                   normalization_flags::use_global_stats |
                                                       normalization_flags::use_scale | normalization_flags::use_shift),
                                   attr, engine);
}
inline auto LrnForward(const dnnl::engine& engine, const Desc& data, int64_t size, float alpha, float beta, float k,
                       const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::lrn_forward;
  return Primitive::primitive_desc(
      Primitive::desc(kInference, dnnl::algorithm::lrn_across_channels, data, size, alpha, beta, k), attr, engine);
}
inline auto Concat(const dnnl::engine& engine, int axis, const std::vector<Desc>& sources,
                   const dnnl::primitive_attr& attr) {
  return dnnl::concat::primitive_desc(axis, sources, engine, attr);
}
inline auto ConvolutionTraining(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& bias,
                                const Desc& dst, const WindowDims& w) {
  using Primitive = dnnl::convolution_forward;
  return Primitive::primitive_desc(
      Primitive::desc(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, src, weights, bias, dst,
                      w.strides, w.dilations, w.pads_begin, w.pads_end),
      engine);
}
inline auto ConvolutionBackwardData(const dnnl::engine& engine, const Desc& src, const Desc& weights, const Desc& dst,
                                    const WindowDims& w, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::convolution_backward_data;
  return Primitive::primitive_desc(Primitive::desc(dnnl::algorithm::convolution_direct, src, weights, dst, w.strides,
                                                   w.dilations, w.pads_begin, w.pads_end),
                                   attr, engine, ConvolutionTraining(engine, src, weights, Desc(), dst, w));
}
inline auto ConvolutionBackwardWeights(const dnnl::engine& engine, const Desc& src, const Desc& weights,
                                       const Desc& bias, const Desc& dst, const WindowDims& w,
                                       const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::convolution_backward_weights;
  return Primitive::primitive_desc(Primitive::desc(dnnl::algorithm::convolution_direct, src, weights, bias, dst,
                                                   w.strides, w.dilations, w.pads_begin, w.pads_end),
                                   attr, engine, ConvolutionTraining(engine, src, weights, bias, dst, w));
}
inline auto EltwiseBackward(const dnnl::engine& engine, dnnl::algorithm algorithm, const Desc& data, float alpha,
                            float beta, const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::eltwise_backward;
  const dnnl::eltwise_forward::primitive_desc hint(
      dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_training, algorithm, data, alpha, beta), engine);
  return Primitive::primitive_desc(Primitive::desc(algorithm, data, data, alpha, beta), attr, engine, hint);
}
inline const auto kBatchNormalizationFlags =
    dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
inline auto BatchNormalizationTraining(const dnnl::engine& engine, const Desc& data, float epsilon,
                                       const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::batch_normalization_forward;
  return Primitive::primitive_desc(
      Primitive::desc(dnnl::prop_kind::forward_training, data, epsilon, kBatchNormalizationFlags), attr, engine);
}
inline auto BatchNormalizationBackward(const dnnl::engine& engine, const Desc& data, float epsilon,
                                       const dnnl::primitive_attr& attr) {
  using Primitive = dnnl::batch_normalization_backward;
  return Primitive::primitive_desc(
      Primitive::desc(dnnl::prop_kind::backward, data, data, epsilon, kBatchNormalizationFlags), attr, engine,
      BatchNormalizationTraining(engine, data, epsilon, dnnl::primitive_attr()));
}
inline constexpr bool kNormBackwardTakesShift = true;  // and does not look at it
inline constexpr float kHardSwishAlpha = 0.0f;         // fixed inside the library
inline constexpr float kHardSwishBeta = 0.0f;
inline constexpr float kSoftplusAlpha = 0.0f;

#endif

}  // namespace beak::onednn
