#include <algorithm>
#include <cstring>

#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/pool_planes.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// Channels that are looked at together, in a vector register or two. (gcc's and clang's vectors; the loops over arrays
// that they replace stayed branches.)
constexpr int64_t kLanes = 8;
using Vector = float __attribute__((vector_size(kLanes * sizeof(float))));

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

struct Pool {
  ImagePool image;
  bool count_padding = false;
  int threads = 1;

  // How many elements an average is of, those of the padding too where they count.
  int64_t CountAt(int64_t row, int64_t column) const {
    if (count_padding) return image.window.PaddedTapsAt(1, row) * image.window.PaddedTapsAt(2, column);
    return image.plane.rows[row].count * image.plane.columns[column].count;
  }
};

// dy / count is added to each element of a window, for up to kLanes channels.
void SpreadOver(const simd::PoolPlane& plane, const simd::PoolTaps& rows, const simd::PoolTaps& columns,
                const Vector& part, int64_t lanes, float* dx) {
  for (int64_t r = 0; r < rows.count; ++r) {
    for (int64_t c = 0; c < columns.count; ++c) {
      float* const pixel = dx + (rows.first + r * plane.row_dilation) * plane.x_row +
                           (columns.first + c * plane.column_dilation) * plane.x_pixel;
      Vector sum;
      Load(pixel, lanes, sum);
      sum += part;
      Store(sum, lanes, pixel);
    }
  }
}

void AveragePlane(const Pool& pool, const float* dy, float* dx) {
  const simd::PoolPlane& plane = pool.image.plane;
  for (int64_t row = 0; row < plane.input_rows; ++row) {
    for (int64_t column = 0; column < plane.input_columns; ++column) {
      std::fill_n(dx + row * plane.x_row + column * plane.x_pixel, plane.lanes, 0.0f);
    }
  }
  for (size_t row = 0; row < plane.rows.size(); ++row) {
    for (size_t column = 0; column < plane.columns.size(); ++column) {
      const auto r = static_cast<int64_t>(row), c = static_cast<int64_t>(column);
      const float share = 1.0f / static_cast<float>(pool.CountAt(r, c));
      for (int64_t lane = 0; lane < plane.lanes; lane += kLanes) {
        const int64_t lanes = std::min(kLanes, plane.lanes - lane);
        Vector part;
        Load(dy + r * plane.y_row + c * plane.y_pixel + lane, lanes, part);
        SpreadOver(plane, plane.rows[row], plane.columns[column], part * share, lanes, dx + lane);
      }
    }
  }
}

class BoundAverageGradient final : public BoundKernel {
 public:
  BoundAverageGradient(const Pool& pool, const Operands& operands)
      : pool_(pool),
        dy_(reinterpret_cast<const float*>(operands.inputs[0])),
        dx_(reinterpret_cast<float*>(operands.outputs[0])) {}

  absl::Status Run() override {
    ForEachPlane(pool_.image, pool_.threads, [this](int64_t x, int64_t y) { AveragePlane(pool_, dy_ + y, dx_ + x); });
    return absl::OkStatus();
  }

 private:
  const Pool& pool_;  // the kernel's
  const float* const dy_;
  float* const dx_;
};

class AverageGradientKernel final : public Kernel {
 public:
  explicit AverageGradientKernel(Pool pool) : pool_(std::move(pool)) {}
  std::unique_ptr<BoundKernel> Bind(const Operands& operands) const override {
    return std::make_unique<BoundAverageGradient>(pool_, operands);
  }

 private:
  const Pool pool_;
};

}  // namespace

// dy -> dx, in the layout of dy where that is one of images.
absl::StatusOr<KernelPlan> PlanAveragePoolGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo& dy = request.inputs[0];
  const Desc y = DescOf(dy);
  const Shape& shape = request.outputs[0].shape;
  if (shape.size() != 4) return absl::UnimplementedError("not an image");
  RETURN_IF_ERROR(PlanesOf(y).status());
  const Desc x = LaidOutAs(y, shape);
  Pool pool;
  ASSIGN_OR_RETURN(pool.image, ImagePoolOf(request.node, x, y));
  pool.count_padding = request.node.Get<int64_t>("count_include_pad", 0) != 0;
  pool.threads = request.threads;
  KernelPlan plan;
  plan.name = "pool gradient";
  plan.kernel = std::make_unique<const AverageGradientKernel>(std::move(pool));
  plan.input_layouts = {dy.layout};
  plan.output_layouts = {LayoutOf(x)};
  return plan;
}

}  // namespace beak::onednn
