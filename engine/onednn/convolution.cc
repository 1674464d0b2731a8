#include "engine/onednn/convolution.h"

#include "engine/base/status.h"
#include "engine/onednn/activation.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/layout_policy.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {

WindowDims ToWindowDims(const Window& window) {
  WindowDims dims;
  dims.strides = window.strides;
  dims.pads_begin = window.pads_begin;
  dims.pads_end = window.pads_end;
  for (const int64_t dilation : window.dilations) dims.dilations.push_back(dilation - 1);
  return dims;
}

WindowDims ExactConvolutionWindow(const Window& window, const Shape& input) {
  WindowDims dims = ToWindowDims(window);
  for (size_t i = 0; i < window.rank(); ++i) {
    const int64_t span = (window.output[i] - 1) * window.strides[i] + window.extent(i);
    dims.pads_end[i] = span - input[i + 2] - window.pads_begin[i];
  }
  return dims;
}

Dims GroupedWeights(const Shape& weights, int64_t group) {
  if (group == 1) return weights;
  Dims dims = {group, weights[0] / group};
  dims.insert(dims.end(), weights.begin() + 1, weights.end());
  return dims;
}

bool IsFast(const char* name) {
  const std::string text(name);
  return text.rfind("jit", 0) == 0 || text.rfind("brg", 0) == 0;
}

namespace {

// Everything that a convolution or deconvolution primitive is asked with, but for its source.
struct Question {
  Dims dst;
  Dims weights;        // with a leading group dimension where there are groups
  Desc plain_weights;  // the tensor's bytes in those dimensions
  Desc bias;           // empty where there is none
  WindowDims window;
  dnnl::primitive_attr attr;
};

// [C, M/g, kernel...] seen as [(g,) M/g, C/g, ...]: in and out swapped by strides.
Desc TransposedWeights(const Shape& weights, int64_t group, Dims& dims) {
  const int64_t in = weights[0] / group, out = weights[1];
  int64_t spatial = 1;
  for (size_t i = 2; i < weights.size(); ++i) spatial *= weights[i];
  dims = {group, out, in};
  Dims strides = {in * out * spatial, spatial, out * spatial};
  int64_t stride = spatial;
  for (size_t i = 2; i < weights.size(); ++i) {
    stride /= weights[i];
    dims.push_back(weights[i]);
    strides.push_back(stride);
  }
  if (group == 1) {
    dims.erase(dims.begin());
    strides.erase(strides.begin());
  }
  return Desc(dims, dnnl::memory::data_type::f32, strides);
}

// The layouts of the source to ask with before leaving it to the library. First the one in which the source lies now: a
// reorder costs more than the difference between two of the library's fast kernels. Then, where the network is to be
// blocked, blocks; a network's first convolution reads its few channels plain and writes blocks.
std::vector<Desc> Candidates(const OperandInfo& source, int policy) {
  constexpr int64_t kFewChannels = 4;
  if (!source.layout.plain()) return {DescOf(source)};
  if (policy != kBlockedLayout || source.shape.size() != 4) return {};
  if (source.shape[1] <= kFewChannels) return {DescOf(source)};
  return {Desc(source.shape, dnnl::memory::data_type::f32, dnnl::memory::format_tag::aBcd16b)};
}

// The first candidate for which the library has a fast kernel, else what it chooses itself.
template <typename Ask>
auto ChoosePrimitive(const KernelRequest& request, Ask&& ask) {
  for (const Desc& candidate : Candidates(request.inputs[0], request.policy)) {
    try {
      auto primitive = ask(candidate);
      if (IsFast(primitive.impl_info_str())) return primitive;
    } catch (const dnnl::error&) {
      // No implementation takes that layout.
    }
  }
  return ask(AnyDesc(request.inputs[0].shape));
}

template <typename Primitive, typename PrimitiveDesc>
KernelPlan MakePlan(const KernelRequest& request, const Question& question, const PrimitiveDesc& desc) {
  KernelPlan plan;
  plan.input_layouts.resize(request.inputs.size());
  plan.input_layouts[0] = LayoutOf(desc.src_desc());
  plan.input_layouts[1] = LayoutOf(desc.weights_desc(), question.plain_weights);
  plan.output_layouts = {LayoutOf(desc.dst_desc())};
  std::vector<Argument> arguments = {{DNNL_ARG_SRC, Argument::kInput, 0, desc.src_desc()},
                                     {DNNL_ARG_WEIGHTS, Argument::kInput, 1, desc.weights_desc()},
                                     {DNNL_ARG_DST, Argument::kOutput, 0, desc.dst_desc()}};
  if (request.inputs.size() > 2 && request.inputs[2].present) {
    plan.input_layouts[2] = Layout::Plain(DType::kFloat32, request.inputs[2].shape);
    arguments.push_back({DNNL_ARG_BIAS, Argument::kInput, 2, desc.bias_desc()});
  }
  if (request.inputs.size() > 3 && request.inputs[3].present) {
    plan.input_layouts[3] = plan.output_layouts[0];
    plan.accumulates_into = 3;
  }
  SetPrimitive<Primitive>(desc, std::move(arguments), plan);
  return plan;
}

Question MakeQuestion(const KernelRequest& request, dnnl::primitive_attr attr) {
  Question question;
  question.dst = request.outputs[0].shape;
  if (request.inputs.size() > 2 && request.inputs[2].present) question.bias = PlainDesc(request.inputs[2].shape);
  question.attr = std::move(attr);
  return question;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanConvolution(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const Shape& input = request.inputs[0].shape;
  if (input.size() > 5) return absl::UnimplementedError("more than three spatial dimensions");
  const bool with_sum = request.inputs.size() > 3 && request.inputs[3].present;
  const std::optional<dnnl::primitive_attr> attr = FusedAttributes(request.node, with_sum);
  if (!attr) return absl::UnimplementedError("the activation is not one of the library's");
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, input, request.inputs[1].shape));
  Question question = MakeQuestion(request, *attr);
  question.weights = GroupedWeights(request.inputs[1].shape, request.node.Get<int64_t>("group", 1));
  question.plain_weights = PlainDesc(question.weights);
  question.window = ExactConvolutionWindow(window, input);
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const auto desc = ChoosePrimitive(request, [&](const Desc& src) {
      return ConvolutionForward(CpuEngine(), src, AnyDesc(question.weights), question.bias, AnyDesc(question.dst),
                                question.window, question.attr);
    });
    return MakePlan<dnnl::convolution_forward>(request, question, desc);
  });
}

absl::StatusOr<KernelPlan> PlanDeconvolution(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const Shape& input = request.inputs[0].shape;
  if (input.size() > 5) return absl::UnimplementedError("more than three spatial dimensions");
  ASSIGN_OR_RETURN(const Window window, ConvTransposeWindow(request.node, input, request.inputs[1].shape));
  for (const int64_t pad : window.pads_end) {
    if (pad < 0) return absl::UnimplementedError("output padding reaches beyond the last window");
  }
  Question question = MakeQuestion(request, UserScratchpad());
  question.plain_weights =
      TransposedWeights(request.inputs[1].shape, request.node.Get<int64_t>("group", 1), question.weights);
  question.window = ToWindowDims(window);
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const auto desc = ChoosePrimitive(request, [&](const Desc& src) {
      return DeconvolutionForward(CpuEngine(), src, AnyDesc(question.weights), question.bias, AnyDesc(question.dst),
                                  question.window, question.attr);
    });
    return MakePlan<dnnl::deconvolution_forward>(request, question, desc);
  });
}

}  // namespace beak::onednn
