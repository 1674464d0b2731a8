#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"
#include "engine/ops/window.h"

namespace beak::onednn {
namespace {

bool IsGlobal(const Node& node) { return node.op == "GlobalMaxPool" || node.op == "GlobalAveragePool"; }

// The window of a global pool is all of its input.
Window GlobalWindow(const Shape& input) {
  Window window;
  for (size_t i = 2; i < input.size(); ++i) {
    window.kernel.push_back(input[i]);
    window.strides.push_back(1);
    window.dilations.push_back(1);
    window.pads_begin.push_back(0);
    window.pads_end.push_back(0);
    window.output.push_back(1);
  }
  return window;
}

dnnl::algorithm AlgorithmOf(const Node& node) {
  if (node.op == "MaxPool" || node.op == "GlobalMaxPool") return dnnl::algorithm::pooling_max;
  return node.Get<int64_t>("count_include_pad", 0) != 0 ? dnnl::algorithm::pooling_avg_include_padding
                                                        : dnnl::algorithm::pooling_avg_exclude_padding;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanPool(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  if (request.outputs.size() > 1 && request.outputs[1].present) return absl::UnimplementedError("indices are wanted");
  const Shape& input = request.inputs[0].shape;
  if (input.size() < 3 || input.size() > 5) return absl::UnimplementedError("spatial dimensions are not 1 to 3");
  Window window = GlobalWindow(input);
  if (!IsGlobal(request.node)) {
    ASSIGN_OR_RETURN(window, PoolWindow(request.node, input));
  }
  WindowDims dims{window.strides, {}, window.pads_begin, {}};
  const dnnl::algorithm algorithm = AlgorithmOf(request.node);
  for (size_t i = 0; i < window.rank(); ++i) {
    dims.dilations.push_back(window.dilations[i] - 1);
    const int64_t span = (window.output[i] - 1) * window.strides[i] + window.extent(i);
    dims.pads_end.push_back(span - input[i + 2] - window.pads_begin[i]);
    // Where the last window reaches beyond the pads (ceil_mode), ONNX divides by what lies within them.
    if (algorithm == dnnl::algorithm::pooling_avg_include_padding && dims.pads_end[i] > window.pads_end[i]) {
      return absl::UnimplementedError("an average that counts padding reaches beyond it");
    }
  }
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc src = DescOf(request.inputs[0]);
    const auto desc = PoolingForward(CpuEngine(), algorithm, src, AnyDesc(request.outputs[0].shape), window.kernel,
                                     dims, UserScratchpad());
    KernelPlan plan;
    plan.input_layouts = {LayoutOf(src)};
    plan.output_layouts = {LayoutOf(desc.dst_desc())};
    plan.output_layouts.resize(request.outputs.size());
    SetPrimitive<PoolingPrimitive>(
        desc, {{DNNL_ARG_SRC, Argument::kInput, 0, src}, {DNNL_ARG_DST, Argument::kOutput, 0, desc.dst_desc()}}, plan);
    return plan;
  });
}

}  // namespace beak::onednn
