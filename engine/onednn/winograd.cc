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

  size_t byte_size() const override { return filters_.packed_elements() * sizeof(float); }
  bool Equals(const OpaqueLayout& other) const override {
    const auto* same = dynamic_cast<const WinogradLayout*>(&other);
    return same != nullptr && same->filters_.packing().k() == filters_.packing().k() &&
           same->filters_.packing().n() == filters_.packing().n();
  }
  std::string ToString() const override { return "winograd"; }
  void Pack(const std::byte* plain, std::byte* packed) const override {
    filters_.Pack(reinterpret_cast<const float*>(plain), reinterpret_cast<float*>(packed));
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
  }

  absl::Status Run() override {
    winograd_.convolution.Run(arguments_);
    return absl::OkStatus();
  }

 private:
  const Winograd& winograd_;  // the kernel's
  simd::WinogradArguments arguments_;
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
// whatever the batch, so that a row's bits are the same in any. Measured on one AVX2 core with Debian's oneDNN 2.6.
bool IsWorthIt(const simd::WinogradShape& shape) {
  // For a number of a transform, with its way to memory and back.
  constexpr double kTransform = 16;
  // For a number of the filters, which come from memory; the direct convolution has the products of so many to hide
  // that behind.
  constexpr double kFilter = 16;
  const auto tiles = static_cast<double>(simd::WinogradTiles(shape));
  const auto channels = static_cast<double>(shape.channels), filters = static_cast<double>(shape.filters);
  const double outputs = static_cast<double>(shape.output_rows * shape.output_columns);
  const double direct = 9 * channels * filters * (outputs + kFilter);
  const double winograd = 36 * (channels * filters * (tiles + kFilter) + kTransform * tiles * (channels + filters));
  return winograd < direct;
}

absl::Status Check(const KernelRequest& request, const Window& window) {
  const Shape &x = request.inputs[0].shape, &weights = request.inputs[1].shape;
  const int64_t lanes = simd::WinogradLanes(BestIsa());
  if (lanes == 0) return absl::UnimplementedError("the machine has no AVX2");
  if (x.size() != 4 || weights[2] != 3 || weights[3] != 3) return absl::UnimplementedError("filters are not 3x3");
  if (request.node.Get<int64_t>("group", 1) != 1) return absl::UnimplementedError("there are groups");
  for (size_t i = 0; i < 2; ++i) {
    if (window.strides[i] != 1) return absl::UnimplementedError("the stride is not 1");
    if (window.dilations[i] != window.dilations[0] || window.pads_begin[i] % window.dilations[0] != 0) {
      return absl::UnimplementedError("the dilation has no grids");
    }
  }
  if (x[1] % lanes != 0 || weights[0] % lanes != 0) return absl::UnimplementedError("channels do not fill vectors");
  if (!request.inputs[1].is_constant) return absl::UnimplementedError("filters are computed");
  return absl::OkStatus();
}

// The layout of the input: that in which it lies, where vectors of channels lie side by side in it.
absl::StatusOr<Desc> SourceLayout(const KernelRequest& request) {
  const OperandInfo& x = request.inputs[0];
  if (!x.layout.plain()) return DescOf(x);
  using Tag = dnnl::memory::format_tag;
  Tag tag = BestIsa() == Isa::kAvx512 ? Tag::acdb : Tag::aBcd8b;
  if (request.policy == kBlockedLayout) tag = Tag::aBcd16b;
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

simd::WinogradShape ShapeOf(const Shape& x, const Shape& y, const Window& window) {
  simd::WinogradShape shape;
  shape.images = x[0];
  shape.channels = x[1];
  shape.rows = x[2];
  shape.columns = x[3];
  shape.filters = y[1];
  shape.output_rows = y[2];
  shape.output_columns = y[3];
  shape.dilation = window.dilations[0];
  shape.pad_top = window.pads_begin[0] / shape.dilation;
  shape.pad_left = window.pads_begin[1] / shape.dilation;
  return shape;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanWinograd(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo& x = request.inputs[0];
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, x.shape, request.inputs[1].shape));
  RETURN_IF_ERROR(Check(request, window));
  const std::optional<Clamp> clamp = ClampOf(request.node);
  if (!clamp) return absl::UnimplementedError("the activation is not a clamp");
  simd::WinogradShape shape = ShapeOf(x.shape, request.outputs[0].shape, window);
  if (!IsWorthIt(shape)) return absl::UnimplementedError("direct convolution is faster");
  ASSIGN_OR_RETURN(const Desc source, SourceLayout(request));
  const Desc destination = LaidOutAs(source, request.outputs[0].shape);
  ASSIGN_OR_RETURN(shape.x, StridesIn(source));
  ASSIGN_OR_RETURN(shape.y, StridesIn(destination));

  Winograd winograd{simd::WinogradConvolution(shape, BestIsa(), request.threads), *clamp};
  KernelPlan plan;
  plan.name = std::string("simd winograd ") + IsaName(BestIsa());
  plan.scratch_bytes = winograd.convolution.scratch_elements() * sizeof(float);
  plan.input_layouts.resize(request.inputs.size());
  plan.input_layouts[0] = LayoutOf(source);
  plan.input_layouts[1] = Layout::Opaque(std::make_shared<WinogradLayout>(winograd.convolution.filters()));
  plan.output_layouts = {LayoutOf(destination)};
  if (request.inputs.size() > 2 && request.inputs[2].present) {
    plan.input_layouts[2] = Layout::Plain(DType::kFloat32, request.inputs[2].shape);
  }
  if (request.inputs.size() > 3 && request.inputs[3].present) {
    plan.input_layouts[3] = plan.output_layouts[0];
    plan.accumulates_into = 3;
    winograd.accumulate = true;
  }
  plan.kernel = std::make_unique<const WinogradKernel>(std::move(winograd));
  return plan;
}

}  // namespace beak::onednn
