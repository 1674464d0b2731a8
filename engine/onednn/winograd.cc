#include "engine/simd/winograd.h"

#include <algorithm>
#include <memory>

#include "engine/base/status.h"
#include "engine/onednn/convolution.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/layout_policy.h"
#include "engine/onednn/pool_planes.h"
#include "engine/onednn/primitive.h"
#include "engine/ops/clamp.h"

namespace beak::onednn {
namespace {

// Filters as simd/winograd.h packs them.
class WinogradLayout final : public OpaqueLayout {
 public:
  explicit WinogradLayout(const simd::WinogradFilters& filters) : filters_(filters) {}

  size_t byte_size() const override { return filters_.reversible_elements() * sizeof(float); }
  bool Equals(const OpaqueLayout& other) const override {
    const auto* same = dynamic_cast<const WinogradLayout*>(&other);
    return same != nullptr && same->filters_.packing().k() == filters_.packing().k() &&
           same->filters_.packing().n() == filters_.packing().n() && same->filters_.order() == filters_.order();
  }
  std::string ToString() const override { return "winograd"; }
  void Pack(const std::byte* plain, std::byte* packed) const override {
    filters_.PackReversibly(reinterpret_cast<const float*>(plain), reinterpret_cast<float*>(packed));
  }
  void Unpack(const std::byte* packed, std::byte* plain) const override {
    filters_.Unpack(reinterpret_cast<const float*>(packed), reinterpret_cast<float*>(plain));
  }

 private:
  const simd::WinogradFilters filters_;
};

struct Winograd {
  simd::WinogradConvolution convolution;
  Clamp clamp;
  bool accumulate = false;
  bool pack_at_run = false;  // the filters are computed, so they are transformed in each run, into the scratch
};

class BoundWinograd final : public BoundKernel {
 public:
  BoundWinograd(const Winograd& winograd, const Operands& operands) : winograd_(winograd) {
    arguments_.x = reinterpret_cast<const float*>(operands.inputs[0]);
    arguments_.filters = reinterpret_cast<const float*>(operands.inputs[1]);
    if (operands.inputs.size() > 2) arguments_.bias = reinterpret_cast<const float*>(operands.inputs[2]);
    arguments_.y = reinterpret_cast<float*>(operands.outputs[0]);
    arguments_.accumulate = winograd.accumulate;
    arguments_.lower = winograd.clamp.lower;
    arguments_.upper = winograd.clamp.upper;
    arguments_.scratch = reinterpret_cast<float*>(operands.scratch);
    if (!winograd.pack_at_run) return;
    plain_ = arguments_.filters;
    packed_ = arguments_.scratch + winograd.convolution.scratch_elements();
    arguments_.filters = packed_;
  }

  absl::Status Run() override {
    if (winograd_.pack_at_run) winograd_.convolution.PackFilters(plain_, packed_);
    winograd_.convolution.Run(arguments_);
    return absl::OkStatus();
  }

 private:
  const Winograd& winograd_;  // the kernel's
  simd::WinogradArguments arguments_;
  const float* plain_ = nullptr;
  float* packed_ = nullptr;
};

class WinogradKernel final : public Kernel {
 public:
  explicit WinogradKernel(Winograd winograd) : winograd_(std::move(winograd)) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundWinograd>(winograd_, operands);
  }

 private:
  const Winograd winograd_;
};

// What one image costs either way, in multiply-adds of the direct convolution's kernel. Looked at for one image
// whatever the batch, so that a row's bits are the same in any. Coarse: the constants are from a few shapes on one AVX2
// core with Debian's oneDNN 2.6.
bool IsWorthIt(const simd::WinogradShape& shape, bool pack_at_run) {
  // For a number of a transform, with its way to memory and back.
  constexpr double kTransform = 16;
  // For a number of the filters that comes from memory, or of transformed ones that is computed first.
  constexpr double kFilter = 16, kPack = 20;
  const auto tiles = static_cast<double>(simd::WinogradTiles(shape));
  const auto channels = static_cast<double>(shape.channels), filters = static_cast<double>(shape.filters);
  const auto outputs = static_cast<double>(shape.output_rows * shape.output_columns);
  const double direct = 9 * channels * filters * (outputs + kFilter);
  const double winograd =
      36 * (channels * filters * (tiles + (pack_at_run ? kPack : kFilter)) + kTransform * tiles * (channels + filters));
  return winograd < direct;
}

absl::Status Check(const Node& node, const Shape& weights, const Window& window) {
  const int64_t lanes = simd::WinogradLanes(BestIsa());
  if (lanes == 0) return absl::UnimplementedError("the machine has no AVX2");
  if (weights.size() != 4 || weights[2] != 3 || weights[3] != 3) {
    return absl::UnimplementedError("filters are not 3x3");
  }
  if (node.Get<int64_t>("group", 1) != 1) return absl::UnimplementedError("there are groups");
  for (size_t i = 0; i < 2; ++i) {
    if (window.strides[i] != 1) return absl::UnimplementedError("the stride is not 1");
    if (window.dilations[i] != window.dilations[0] || window.pads_begin[i] % window.dilations[0] != 0) {
      return absl::UnimplementedError("the dilation has no grids");
    }
  }
  if (weights[0] % lanes != 0 || weights[1] % lanes != 0) {
    return absl::UnimplementedError("channels do not fill vectors");
  }
  return absl::OkStatus();
}

// The layout of the input: that in which it lies, where vectors of channels lie side by side in it.
absl::StatusOr<Desc> SourceLayout(const OperandInfo& x, int policy) {
  if (!x.layout.plain()) return DescOf(x);
  using Tag = dnnl::memory::format_tag;
  Tag tag = BestIsa() == Isa::kAvx512 ? Tag::acdb : Tag::aBcd8b;
  if (policy == kBlockedLayout) tag = Tag::aBcd16b;
  return Desc(x.shape, dnnl::memory::data_type::f32, tag);
}

absl::StatusOr<simd::ImageStrides> StridesIn(const Desc& desc) {
  ASSIGN_OR_RETURN(const Planes planes, PlanesOf(desc));
  const int64_t channels = DimsOf(desc)[1];
  if (planes.lanes % simd::WinogradLanes(BestIsa()) != 0 || channels % planes.lanes != 0) {
    return absl::UnimplementedError("channels do not lie side by side");
  }
  return simd::ImageStrides{planes.image_stride, planes.block_stride, planes.row_stride, planes.pixel_stride,
                            planes.lanes};
}

// Of a dense convolution from one shape to another; its pads and dilation are to be filled in.
simd::WinogradShape ShapeOf(const Shape& from, const Shape& to) {
  simd::WinogradShape shape;
  shape.images = from[0];
  shape.channels = from[1];
  shape.rows = from[2];
  shape.columns = from[3];
  shape.filters = to[1];
  shape.output_rows = to[2];
  shape.output_columns = to[3];
  return shape;
}

// Input 0 and the filters, input 1, to output 0.
absl::StatusOr<KernelPlan> MakePlan(const KernelRequest& request, simd::WinogradShape shape, simd::FilterOrder order,
                                    const Clamp& clamp) {
  const bool pack_at_run = !request.inputs[1].is_constant;
  if (!IsWorthIt(shape, pack_at_run)) return absl::UnimplementedError("direct convolution is faster");
  ASSIGN_OR_RETURN(const Desc source, SourceLayout(request.inputs[0], request.policy));
  const Desc destination = LaidOutAs(source, request.outputs[0].shape);
  ASSIGN_OR_RETURN(shape.x, StridesIn(source));
  ASSIGN_OR_RETURN(shape.y, StridesIn(destination));

  Winograd winograd{simd::WinogradConvolution(shape, BestIsa(), request.threads, order), clamp};
  winograd.pack_at_run = pack_at_run;
  const simd::WinogradFilters& filters = winograd.convolution.filters();
  KernelPlan plan;
  plan.name = std::string("simd winograd ") + IsaName(BestIsa());
  plan.scratch_bytes =
      (winograd.convolution.scratch_elements() + (pack_at_run ? filters.packed_elements() : 0)) * sizeof(float);
  for (const OperandInfo& input : request.inputs) plan.input_layouts.push_back(Layout::Plain(input.dtype, input.shape));
  plan.input_layouts[0] = LayoutOf(source);
  if (!pack_at_run) plan.input_layouts[1] = Layout::Opaque(std::make_shared<WinogradLayout>(filters));
  plan.output_layouts = {LayoutOf(destination)};
  if (request.inputs.size() > 3 && request.inputs[3].present) {
    plan.input_layouts[3] = plan.output_layouts[0];
    plan.accumulates_into = 3;
    winograd.accumulate = true;
  }
  plan.kernel = std::make_unique<const WinogradKernel>(std::move(winograd));
  return plan;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanWinograd(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const Shape &x = request.inputs[0].shape, &weights = request.inputs[1].shape, &y = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, x, weights));
  RETURN_IF_ERROR(Check(request.node, weights, window));
  const std::optional<Clamp> clamp = ClampOf(request.node);
  if (!clamp) return absl::UnimplementedError("the activation is not a clamp");
  simd::WinogradShape shape = ShapeOf(x, y);
  shape.dilation = window.dilations[0];
  shape.pad_top = window.pads_begin[0] / shape.dilation;
  shape.pad_left = window.pads_begin[1] / shape.dilation;
  return MakePlan(request, shape, simd::FilterOrder::kForward, *clamp);
}

// dy, w -> dx: dy convolved with the filters turned around, from as far outside as the window reaches further than it
// was padded.
absl::StatusOr<KernelPlan> PlanWinogradInputGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const Shape &dy = request.inputs[0].shape, &weights = request.inputs[1].shape, &dx = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, dx, weights));
  RETURN_IF_ERROR(Check(request.node, weights, window));
  simd::WinogradShape shape = ShapeOf(dy, dx);
  shape.dilation = window.dilations[0];
  shape.pad_top = 2 - window.pads_begin[0] / shape.dilation;
  shape.pad_left = 2 - window.pads_begin[1] / shape.dilation;
  return MakePlan(request, shape, simd::FilterOrder::kInputGradient, Clamp());
}

}  // namespace beak::onednn
