#include "engine/simd/weight_gradient.h"

#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/pool_planes.h"
#include "engine/onednn/primitive.h"
#include "engine/ops/window.h"
#include "engine/simd/image_gradient.h"

namespace beak::onednn {
namespace {

constexpr int64_t kFewChannels = 4;
constexpr int64_t kBlock = 8;

template <typename Convolution>
class BoundWeightGradient final : public BoundKernel {
 public:
  BoundWeightGradient(const Convolution& convolution, const Operands& operands)
      : convolution_(convolution), operands_(operands) {}

  absl::Status Run() override {
    const auto input = [&](size_t i) { return reinterpret_cast<const float*>(operands_.inputs[i]); };
    const auto output = [&](size_t i) {
      return i < operands_.outputs.size() ? reinterpret_cast<float*>(operands_.outputs[i]) : nullptr;
    };
    simd::WeightGradient(convolution_, input(0), input(1), output(0), output(1), operands_.scratch);
    return absl::OkStatus();
  }

 private:
  const Convolution& convolution_;  // the kernel's
  const Operands operands_;
};

template <typename Convolution>
class WeightGradientKernel final : public Kernel {
 public:
  explicit WeightGradientKernel(const Convolution& convolution) : convolution_(convolution) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundWeightGradient<Convolution>>(convolution_, operands);
  }

 private:
  const Convolution convolution_;
};

simd::ImageWindow WindowOf(const Shape& x, const Window& window) {
  simd::ImageWindow w;
  w.rows = x[2];
  w.columns = x[3];
  w.output_rows = window.output[0];
  w.output_columns = window.output[1];
  w.kernel_rows = window.kernel[0];
  w.kernel_columns = window.kernel[1];
  w.row_stride = window.strides[0];
  w.column_stride = window.strides[1];
  w.row_dilation = window.dilations[0];
  w.column_dilation = window.dilations[1];
  w.row_pad = window.pads_begin[0];
  w.column_pad = window.pads_begin[1];
  return w;
}

absl::Status CheckImages(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  if (request.inputs[0].shape.size() != 4) return absl::UnimplementedError("not an image");
  if (request.node.Get<int64_t>("group", 1) != 1) return absl::UnimplementedError("groups of channels");
  return absl::OkStatus();
}

// What both kinds of loops are told.
template <typename Convolution>
absl::StatusOr<Convolution> ConvolutionOf(const KernelRequest& request) {
  const Shape &x = request.inputs[0].shape, &weights = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, x, weights));
  Convolution convolution;
  convolution.window = WindowOf(x, window);
  convolution.images = x[0];
  convolution.filters = weights[0];
  convolution.threads = request.threads;
  return convolution;
}

template <typename Convolution>
KernelPlan MakePlan(const KernelRequest& request, const Convolution& convolution, const char* name) {
  KernelPlan plan;
  plan.name = name;
  for (const OperandInfo& output : request.outputs) {
    plan.output_layouts.push_back(Layout::Plain(output.dtype, output.shape));
  }
  plan.scratch_bytes = convolution.scratch_bytes();
  plan.kernel = std::make_unique<const WeightGradientKernel<Convolution>>(convolution);
  return plan;
}

}  // namespace

// x, dy -> dw, dbias
absl::StatusOr<KernelPlan> PlanImageWeightGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckImages(request));
  const OperandInfo &x = request.inputs[0], &dy = request.inputs[1];
  if (x.shape[1] > kFewChannels) return absl::UnimplementedError("not few channels");
  if (BestIsa() == Isa::kAvx512) return absl::UnimplementedError("the library is as good with few channels");
  ASSIGN_OR_RETURN(const Planes planes, PlanesOf(DescOf(dy)));
  if (planes.lanes < kBlock) return absl::UnimplementedError("filters do not lie side by side");
  ASSIGN_OR_RETURN(auto convolution, ConvolutionOf<simd::ImageConvolution>(request));
  convolution.channels = x.shape[1];
  convolution.blocks = planes.blocks;
  convolution.lanes = planes.lanes;
  convolution.image_stride = planes.image_stride;
  convolution.block_stride = planes.block_stride;
  convolution.isa = BestIsa();
  KernelPlan plan = MakePlan(request, convolution, "simd image gradient");
  plan.input_layouts = {Layout::Plain(x.dtype, x.shape), dy.layout};
  return plan;
}

// x, dy -> dw, dbias, where the library's layout for AVX2 is there, or comes from a reorder.
absl::StatusOr<KernelPlan> PlanBlockedWeightGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckImages(request));
  const OperandInfo &x = request.inputs[0], &dy = request.inputs[1];
  const Shape& weights = request.outputs[0].shape;
  if (BestIsa() != Isa::kAvx2) return absl::UnimplementedError("not AVX2");
  if (x.shape[1] < kBlock) return absl::UnimplementedError("few channels");
  const auto blocks = [](const Shape& shape) {
    return Desc(shape, dnnl::memory::data_type::f32, dnnl::memory::format_tag::aBcd8b);
  };
  if (!x.layout.plain() && DescOf(x) != blocks(x.shape)) return absl::UnimplementedError("not blocks of 8 channels");
  ASSIGN_OR_RETURN(auto convolution, ConvolutionOf<simd::BlockedConvolution>(request));
  convolution.input_blocks = (x.shape[1] + kBlock - 1) / kBlock;
  convolution.output_blocks = (weights[0] + kBlock - 1) / kBlock;
  if (!HasBlockedWeightGradient(convolution)) return absl::UnimplementedError("not a window of 2 to 5 columns");
  KernelPlan plan = MakePlan(request, convolution, "simd weight gradient");
  plan.input_layouts = {LayoutOf(blocks(x.shape)), LayoutOf(blocks(dy.shape))};
  plan.output_layouts[0] =
      LayoutOf(Desc(weights, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ABcd8b8a), PlainDesc(weights));
  return plan;
}

}  // namespace beak::onednn
