#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"
#include "engine/ops/window.h"
#include "engine/reference/window_taps.h"

// The gradients of pools in any layout of the library's: its own kernels want indices from the forward pass, which a
// pool does not keep: the largest element is looked for again.

namespace beak::onednn {
namespace {

constexpr int64_t kLanes = 8;

// An image [N, C, H, W] as planes of pixels, in each of which `lanes` channels lie side by side. Strides in elements.
struct Planes {
  int64_t images, blocks, lanes;
  int64_t image_stride, block_stride, row_stride, pixel_stride;
};

absl::StatusOr<Planes> PlanesOf(const Desc& desc) {
  const Dims dims = DimsOf(desc), strides = StridesOf(desc);
  if (dims.size() != 4) return absl::UnimplementedError("not an image");
  Planes planes{dims[0], dims[1], 1, strides[0], strides[1], strides[2], strides[3]};
  if (InnerBlockCount(desc) > 1 || (InnerBlockCount(desc) == 1 && InnerBlockAxis(desc) != 1)) {
    return absl::UnimplementedError("blocks of something else than channels");
  }
  if (InnerBlockCount(desc) == 1) {
    planes.lanes = InnerBlockSize(desc);
    planes.blocks = (dims[1] + planes.lanes - 1) / planes.lanes;
  } else if (strides[1] == 1 && dims[1] > 1) {
    planes.lanes = dims[1];
    planes.blocks = 1;
  }
  return planes;
}

struct Pool {
  Window3 window;  // over planes, rows, columns: of one plane here
  Planes x, y;     // of the pool's input and output
  // By row and column of the output: worked out once, for the divisions take longer than the sums.
  std::vector<Taps> rows, columns;
  bool count_padding = false;

  // How many elements an average is of, those of the padding too where they count.
  int64_t CountAt(int64_t row, int64_t column) const {
    if (count_padding) return window.PaddedTapsAt(1, row) * window.PaddedTapsAt(2, column);
    return (rows[row].end - rows[row].begin) * (columns[column].end - columns[column].begin);
  }

  // Calls fn(offset of the pixel in a plane of x) for each pixel that the window covers.
  template <typename Fn>
  void ForEachPixel(int64_t row, int64_t column, Fn fn) const {
    for (int64_t r = rows[row].begin; r < rows[row].end; ++r) {
      const int64_t start = (rows[row].first + r * window.dilations[1]) * x.row_stride;
      for (int64_t c = columns[column].begin; c < columns[column].end; ++c) {
        fn(start + (columns[column].first + c * window.dilations[2]) * x.pixel_stride);
      }
    }
  }

  // Calls fn(row, column, offset in x's images, in y's images, channels) for up to kLanes channels of each window of
  // one plane.
  template <typename Fn>
  void ForEachWindow(int64_t image, int64_t block, Fn fn) const {
    const int64_t x_plane = image * x.image_stride + block * x.block_stride;
    const int64_t y_plane = image * y.image_stride + block * y.block_stride;
    for (int64_t row = 0; row < window.output[1]; ++row) {
      for (int64_t column = 0; column < window.output[2]; ++column) {
        const int64_t place = y_plane + row * y.row_stride + column * y.pixel_stride;
        for (int64_t lane = 0; lane < x.lanes; lane += kLanes) {
          fn(row, column, x_plane + lane, place + lane, std::min(kLanes, x.lanes - lane));
        }
      }
    }
  }

  void Clear(int64_t image, int64_t block, float* dx) const {
    float* const plane = dx + image * x.image_stride + block * x.block_stride;
    for (int64_t row = 0; row < window.input[1]; ++row) {
      for (int64_t column = 0; column < window.input[2]; ++column) {
        std::fill_n(plane + row * x.row_stride + column * x.pixel_stride, x.lanes, 0.0f);
      }
    }
  }
};

// Channels that are looked at together, in a vector register or two. (gcc's and clang's vectors; the loops over arrays
// that they replace stayed branches.)
using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));
using Mask = int32_t __attribute__((vector_size(kLanes * sizeof(int32_t))));

void Load(const float* from, int64_t count, Vector& to) {
  if (count == kLanes) {
    std::memcpy(&to, from, sizeof(to));
  } else {
    to = Vector{};
    std::memcpy(&to, from, static_cast<size_t>(count) * sizeof(float));
  }
}

void Store(const Vector& from, int64_t count, float* to) {
  std::memcpy(to, &from, count == kLanes ? sizeof(from) : static_cast<size_t>(count) * sizeof(float));
}

// Of several largest elements the first has it all.
void MaxPlane(const Pool& pool, int64_t image, int64_t block, const float* x, const float* y, const float* dy,
              float* dx) {
  pool.ForEachWindow(image, block, [&](int64_t row, int64_t column, int64_t from, int64_t place, int64_t lanes) {
    Vector largest, rest, in, out;
    Load(y + place, lanes, largest);
    Load(dy + place, lanes, rest);
    pool.ForEachPixel(row, column, [&](int64_t pixel) {
      Load(x + from + pixel, lanes, in);
      Load(dx + from + pixel, lanes, out);
      const Mask found = in == largest;
      out += reinterpret_cast<Vector>(reinterpret_cast<Mask>(rest) & found);
      rest = reinterpret_cast<Vector>(reinterpret_cast<Mask>(rest) & ~found);
      Store(out, lanes, dx + from + pixel);
    });
  });
}

void AveragePlane(const Pool& pool, int64_t image, int64_t block, const float* dy, float* dx) {
  pool.ForEachWindow(image, block, [&](int64_t row, int64_t column, int64_t from, int64_t place, int64_t lanes) {
    const float part = 1.0f / static_cast<float>(pool.CountAt(row, column));
    Vector gradient, out;
    Load(dy + place, lanes, gradient);
    gradient *= part;
    pool.ForEachPixel(row, column, [&](int64_t pixel) {
      Load(dx + from + pixel, lanes, out);
      out += gradient;
      Store(out, lanes, dx + from + pixel);
    });
  });
}

class BoundPoolGradient final : public BoundKernel {
 public:
  BoundPoolGradient(const Pool& pool, int threads, const Operands& operands)
      : pool_(pool), threads_(threads), dx_(reinterpret_cast<float*>(operands.outputs[0])) {
    for (const std::byte* input : operands.inputs) inputs_.push_back(reinterpret_cast<const float*>(input));
  }

  absl::Status Run() override {
    const int64_t planes = pool_.x.images * pool_.x.blocks;
    ParallelFor(threads_, [&](int thread) {
      const int64_t begin = planes * thread / threads_, end = planes * (thread + 1) / threads_;
      for (int64_t plane = begin; plane < end; ++plane) RunPlane(plane / pool_.x.blocks, plane % pool_.x.blocks);
    });
    return absl::OkStatus();
  }

 private:
  void RunPlane(int64_t image, int64_t block) {
    pool_.Clear(image, block, dx_);
    if (inputs_.size() == 1) return AveragePlane(pool_, image, block, inputs_[0], dx_);
    MaxPlane(pool_, image, block, inputs_[0], inputs_[1], inputs_[2], dx_);
  }

  const Pool& pool_;  // the kernel's
  const int threads_;
  std::vector<const float*> inputs_;  // x, y, dy or dy alone
  float* const dx_;
};

class PoolGradientKernel final : public Kernel {
 public:
  PoolGradientKernel(Pool pool, int threads) : pool_(std::move(pool)), threads_(threads) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundPoolGradient>(pool_, threads_, operands);
  }

 private:
  const Pool pool_;
  const int threads_;
};

// `x` and `y` are descriptors of the pool's input and output.
absl::StatusOr<std::unique_ptr<const Kernel>> MakePoolGradient(const KernelRequest& request, const Desc& x,
                                                               const Desc& y) {
  const Shape shape = DimsOf(x);
  if (shape.size() != 4) return absl::UnimplementedError("not an image");
  Pool pool;
  ASSIGN_OR_RETURN(const Window window, PoolWindow(request.node, shape));
  ASSIGN_OR_RETURN(pool.window, Window3::From(window, shape));
  for (int64_t row = 0; row < pool.window.output[1]; ++row) pool.rows.push_back(pool.window.TapsAt(1, row));
  for (int64_t column = 0; column < pool.window.output[2]; ++column) {
    pool.columns.push_back(pool.window.TapsAt(2, column));
  }
  pool.count_padding = request.node.Get<int64_t>("count_include_pad", 0) != 0;
  ASSIGN_OR_RETURN(pool.x, PlanesOf(x));
  ASSIGN_OR_RETURN(pool.y, PlanesOf(y));
  if (pool.x.lanes != pool.y.lanes) return absl::UnimplementedError("input and output are laid out differently");
  return std::make_unique<const PoolGradientKernel>(std::move(pool), request.threads);
}

}  // namespace

// x, y, dy -> dx
absl::StatusOr<KernelPlan> PlanMaxPoolGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo &x = request.inputs[0], &y = request.inputs[1];
  KernelPlan plan;
  ASSIGN_OR_RETURN(plan.kernel, MakePoolGradient(request, DescOf(x), DescOf(y)));
  plan.name = "pool gradient";
  plan.input_layouts = {x.layout, y.layout, y.layout};
  plan.output_layouts = {x.layout};
  return plan;
}

// dy -> dx, in the layout of dy where that is one of images.
absl::StatusOr<KernelPlan> PlanAveragePoolGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo& dy = request.inputs[0];
  const Desc y = DescOf(dy);
  const Shape& shape = request.outputs[0].shape;
  if (shape.size() != 4) return absl::UnimplementedError("not an image");
  using Tag = dnnl::memory::format_tag;
  ASSIGN_OR_RETURN(const Planes planes, PlanesOf(y));
  const Tag tag = InnerBlockCount(y) == 1 ? (planes.lanes == 8 ? Tag::aBcd8b : Tag::aBcd16b)
                  : planes.lanes > 1      ? Tag::acdb
                                          : Tag::abcd;
  const Desc x(shape, dnnl::memory::data_type::f32, tag);
  KernelPlan plan;
  ASSIGN_OR_RETURN(plan.kernel, MakePoolGradient(request, x, y));
  plan.name = "pool gradient";
  plan.input_layouts = {dy.layout};
  plan.output_layouts = {LayoutOf(x)};
  return plan;
}

}  // namespace beak::onednn
