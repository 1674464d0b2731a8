#include "engine/simd/batch_norm.h"

#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"
#include "engine/ops/clamp.h"

// Batch normalisation in training by our own loops. The library's go through the memory once more for the variance, and
// take no activation of which the gradient is wanted.

namespace beak::onednn {
namespace {

// Pixels that follow each other, and channels that lie side by side in each.
absl::StatusOr<simd::NormPlanes> PlanesOf(const Desc& desc) {
  const Dims dims = DimsOf(desc), strides = StridesOf(desc);
  if (InnerBlockCount(desc) > 1 || (InnerBlockCount(desc) == 1 && InnerBlockAxis(desc) != 1)) {
    return absl::UnimplementedError("blocks of something else than channels");
  }
  const bool blocked = InnerBlockCount(desc) == 1;
  if (!blocked && strides[1] != 1) return absl::UnimplementedError("channels do not lie side by side");
  simd::NormPlanes planes;
  planes.images = dims[0];
  planes.channels = dims[1];
  planes.lanes = blocked ? InnerBlockSize(desc) : dims[1];
  planes.blocks = (planes.channels + planes.lanes - 1) / planes.lanes;
  planes.image_stride = strides[0];
  planes.block_stride = strides[1];
  planes.pixels = 1;
  planes.pixel_stride = planes.lanes;
  for (size_t i = dims.size(); i-- > 2;) {
    if (dims[i] > 1 && strides[i] != planes.pixels * planes.pixel_stride) {
      return absl::UnimplementedError("pixels do not follow each other");
    }
    planes.pixels *= dims[i];
  }
  return planes;
}

// Plain images as blocks of channels, which a reorder makes of them.
Desc Blocked(const Shape& shape) {
  using Tag = dnnl::memory::format_tag;
  const Tag tag = shape.size() == 3 ? Tag::aBc8b : shape.size() == 4 ? Tag::aBcd8b : Tag::aBcde8b;
  return Desc(shape, dnnl::memory::data_type::f32, tag);
}

// As x lies, or so that our loops can take it.
absl::StatusOr<Desc> DataDesc(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo& x = request.inputs[0];
  if (x.shape.size() < 2 || x.shape.size() > 5) return absl::UnimplementedError("rank is not 2 to 5");
  const Desc desc = DescOf(x);
  if (PlanesOf(desc).ok()) return desc;
  // Then the library is as fast, where it can do it.
  if (!request.node.Has("activation")) return absl::UnimplementedError("channels do not lie side by side");
  return Blocked(x.shape);
}

absl::StatusOr<simd::BatchNorm> NormOf(const KernelRequest& request, const Desc& data) {
  simd::BatchNorm norm;
  ASSIGN_OR_RETURN(norm.planes, PlanesOf(data));
  norm.epsilon = request.node.Get<float>("epsilon", 1e-5f);
  const std::optional<Clamp> clamp = ClampOf(request.node);
  if (!clamp) return absl::UnimplementedError("the activation is not a clamp");
  norm.lower = clamp->lower;
  norm.upper = clamp->upper;
  const bool padded = norm.planes.padded_channels() != norm.planes.channels;
  if (padded && !(norm.lower <= 0 && norm.upper >= 0)) return absl::UnimplementedError("padding would not stay zero");
  norm.isa = BestIsa();
  norm.threads = request.threads;
  return norm;
}

const float* Input(const Operands& operands, size_t i) {
  return i < operands.inputs.size() ? reinterpret_cast<const float*>(operands.inputs[i]) : nullptr;
}
float* Output(const Operands& operands, size_t i) {
  return i < operands.outputs.size() ? reinterpret_cast<float*>(operands.outputs[i]) : nullptr;
}

// x, scale, bias, residual -> y, mean, variance
simd::BatchNormForward Bound(const Operands& o, simd::BatchNormForward) {
  return {Input(o, 0), Input(o, 3), Input(o, 1), Input(o, 2), Output(o, 0), Output(o, 1), Output(o, 2), o.scratch};
}

// x, dy, scale, mean, variance, bias -> dx, dscale, dbias
simd::BatchNormBackward Bound(const Operands& o, simd::BatchNormBackward) {
  return {Input(o, 0), Input(o, 1),  Input(o, 2),  Input(o, 5),  Input(o, 3),
          Input(o, 4), Output(o, 0), Output(o, 1), Output(o, 2), o.scratch};
}

template <typename Pass>
class BoundNorm final : public BoundKernel {
 public:
  BoundNorm(const simd::BatchNorm& norm, const Operands& operands) : norm_(norm), pass_(Bound(operands, Pass())) {}
  absl::Status Run() override {
    simd::RunBatchNorm(norm_, pass_);
    return absl::OkStatus();
  }

 private:
  const simd::BatchNorm& norm_;  // the kernel's
  const Pass pass_;
};

template <typename Pass>
class NormKernel final : public Kernel {
 public:
  explicit NormKernel(const simd::BatchNorm& norm) : norm_(norm) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundNorm<Pass>>(norm_, operands);
  }

 private:
  const simd::BatchNorm norm_;
};

// Operands of x's shape lie as `data` says, the others are plain.
template <typename Pass>
absl::StatusOr<KernelPlan> MakePlan(const KernelRequest& request, const Desc& data) {
  ASSIGN_OR_RETURN(const simd::BatchNorm norm, NormOf(request, data));
  KernelPlan plan;
  plan.name = "simd batch norm";
  const Shape& whole = request.inputs[0].shape;
  const auto layout_of = [&](const OperandInfo& operand) {
    return operand.shape == whole ? LayoutOf(data) : Layout::Plain(operand.dtype, operand.shape);
  };
  for (const OperandInfo& input : request.inputs) plan.input_layouts.push_back(layout_of(input));
  for (const OperandInfo& output : request.outputs) plan.output_layouts.push_back(layout_of(output));
  plan.scratch_bytes = norm.scratch_bytes();
  plan.kernel = std::make_unique<const NormKernel<Pass>>(norm);
  return plan;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanSimdBatchNormalizationTraining(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Desc data, DataDesc(request));
  if (request.outputs.size() < 3 || !request.outputs[1].present || !request.outputs[2].present) {
    return absl::UnimplementedError("not all outputs are wanted");
  }
  ASSIGN_OR_RETURN(KernelPlan plan, MakePlan<simd::BatchNormForward>(request, data));
  // An element of y is written after those that it is made of have been read.
  const bool residual = request.inputs.size() > 3 && request.inputs[3].present;
  plan.may_overwrite = residual ? 3 : KernelPlan::kNone;
  return plan;
}

absl::StatusOr<KernelPlan> PlanSimdBatchNormalizationGradient(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Desc data, DataDesc(request));
  ASSIGN_OR_RETURN(KernelPlan plan, MakePlan<simd::BatchNormBackward>(request, data));
  plan.may_overwrite = 1;
  return plan;
}

}  // namespace beak::onednn
