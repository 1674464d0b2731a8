#include "engine/base/status.h"
#include "engine/onednn/convolution.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// What both gradients are asked with: the shapes of the convolution they belong to.
struct Question {
  Shape src;
  Dims weights;  // with a leading group dimension where there are groups
  Shape dst;
  WindowDims window;
};

absl::StatusOr<Question> QuestionFor(const Node& node, const Shape& src, const Shape& weights, const Shape& dst) {
  if (src.size() > 5) return absl::UnimplementedError("more than three spatial dimensions");
  ASSIGN_OR_RETURN(const Window window, ConvWindow(node, src, weights));
  return Question{src, GroupedWeights(weights, node.Get<int64_t>("group", 1)), dst,
                  ExactConvolutionWindow(window, src)};
}

// Asks with an operand as it lies now, where it is not plain and the library is fast with that; else with any layout.
template <typename Ask>
auto ChooseBackward(const OperandInfo& operand, Ask&& ask) {
  if (!operand.layout.plain()) {
    try {
      auto primitive = ask(DescOf(operand));
      if (IsFast(primitive.impl_info_str())) return primitive;
    } catch (const dnnl::error&) {
      // No implementation takes that layout.
    }
  }
  return ask(AnyDesc(operand.shape));
}

}  // namespace

// dy, w -> dx
absl::StatusOr<KernelPlan> PlanConvolutionInputGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  ASSIGN_OR_RETURN(const Question q, QuestionFor(request.node, request.outputs[0].shape, request.inputs[1].shape,
                                                 request.inputs[0].shape));
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const auto desc = ChooseBackward(request.inputs[0], [&](const Desc& dst) {
      return ConvolutionBackwardData(CpuEngine(), AnyDesc(q.src), AnyDesc(q.weights), dst, q.window, UserScratchpad());
    });
    KernelPlan plan;
    plan.input_layouts = {LayoutOf(desc.diff_dst_desc()), LayoutOf(desc.weights_desc(), PlainDesc(q.weights))};
    plan.output_layouts = {LayoutOf(desc.diff_src_desc())};
    SetPrimitive<dnnl::convolution_backward_data>(desc,
                                                  {{DNNL_ARG_DIFF_DST, Argument::kInput, 0, desc.diff_dst_desc()},
                                                   {DNNL_ARG_WEIGHTS, Argument::kInput, 1, desc.weights_desc()},
                                                   {DNNL_ARG_DIFF_SRC, Argument::kOutput, 0, desc.diff_src_desc()}},
                                                  plan);
    return plan;
  });
}

// x, dy -> dw, dbias
absl::StatusOr<KernelPlan> PlanConvolutionWeightGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  ASSIGN_OR_RETURN(const Question q, QuestionFor(request.node, request.inputs[0].shape, request.outputs[0].shape,
                                                 request.inputs[1].shape));
  const bool has_bias = request.outputs.size() > 1 && request.outputs[1].present;
  const Desc bias = has_bias ? PlainDesc(request.outputs[1].shape) : Desc();
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const auto desc = ChooseBackward(request.inputs[0], [&](const Desc& src) {
      return ConvolutionBackwardWeights(CpuEngine(), src, AnyDesc(q.weights), bias, AnyDesc(q.dst), q.window,
                                        UserScratchpad());
    });
    KernelPlan plan;
    plan.input_layouts = {LayoutOf(desc.src_desc()), LayoutOf(desc.diff_dst_desc())};
    plan.output_layouts = {LayoutOf(desc.diff_weights_desc(), PlainDesc(q.weights))};
    std::vector<Argument> arguments = {{DNNL_ARG_SRC, Argument::kInput, 0, desc.src_desc()},
                                       {DNNL_ARG_DIFF_DST, Argument::kInput, 1, desc.diff_dst_desc()},
                                       {DNNL_ARG_DIFF_WEIGHTS, Argument::kOutput, 0, desc.diff_weights_desc()}};
    plan.output_layouts.resize(request.outputs.size());
    if (has_bias) {
      plan.output_layouts[1] = Layout::Plain(DType::kFloat32, request.outputs[1].shape);
      arguments.push_back({DNNL_ARG_DIFF_BIAS, Argument::kOutput, 1, bias});
    }
    SetPrimitive<dnnl::convolution_backward_weights>(desc, std::move(arguments), plan);
    return plan;
  });
}

}  // namespace beak::onednn
