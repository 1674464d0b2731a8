#include "engine/simd/gemm.h"

#include <algorithm>
#include <cstring>

#include "engine/simd/gemm_kernel.h"

namespace beak::simd {
namespace {

// The narrowest panel that holds all columns, or the widest that the instruction set's kernel has.
int64_t PanelWidth(int64_t n, Isa isa) {
  if (isa == Isa::kAvx512) return n <= 16 ? 16 : n <= 32 ? 32 : 64;
  if (isa == Isa::kAvx2) return n <= 8 ? 8 : 16;
  return 8;
}

}  // namespace

GemmPacking::GemmPacking(int64_t k, int64_t n, Isa isa) : k_(k), n_(n), isa_(isa), panel_width_(PanelWidth(n, isa)) {}

void GemmPacking::Pack(const float* b, int64_t row_stride, int64_t column_stride, float* packed) const {
  if (n_ % panel_width_ != 0) std::fill_n(packed + (num_panels() - 1) * panel_width_ * k_, panel_width_ * k_, 0.0f);
  if (column_stride == 1) return PackRows(b, row_stride, packed);
  for (int64_t column = 0; column < n_; ++column) {
    float* to = packed + column / panel_width_ * panel_width_ * k_ + column % panel_width_;
    for (int64_t row = 0; row < k_; ++row) to[row * panel_width_] = b[row * row_stride + column * column_stride];
  }
}

void GemmPacking::PackRows(const float* b, int64_t row_stride, float* packed) const {
  for (int64_t column = 0; column < n_; column += panel_width_) {
    const auto bytes = static_cast<size_t>(std::min(panel_width_, n_ - column)) * sizeof(float);
    float* const to = packed + column * k_;
    for (int64_t row = 0; row < k_; ++row) std::memcpy(to + row * panel_width_, b + row * row_stride + column, bytes);
  }
}

void GemmPacking::Unpack(const float* packed, int64_t row_stride, int64_t column_stride, float* b) const {
  for (int64_t column = 0; column < n_; ++column) {
    const float* from = packed + column / panel_width_ * panel_width_ * k_ + column % panel_width_;
    for (int64_t row = 0; row < k_; ++row) b[row * row_stride + column * column_stride] = from[row * panel_width_];
  }
}

void Gemm(const GemmPacking& packing, const GemmArguments& arguments, int64_t first_panel, int64_t last_panel) {
  const int64_t column = first_panel * packing.panel_width();
  GemmPanels panels;
  panels.m = arguments.m;
  panels.n = packing.n() - column;
  panels.k = packing.k();
  panels.num_panels = last_panel - first_panel;
  panels.panel_width = packing.panel_width();
  panels.a = arguments.a;
  panels.a_stride = arguments.a_stride;
  panels.packed_b = arguments.packed_b + column * packing.k();
  panels.bias = arguments.bias == nullptr ? nullptr : arguments.bias + column;
  panels.c = arguments.c + column;
  panels.c_stride = arguments.c_stride;
  panels.lower = arguments.lower;
  panels.upper = arguments.upper;
  switch (packing.isa()) {
    case Isa::kSse2:
      return GemmSse2(panels);
    case Isa::kAvx2:
      return GemmAvx2(panels);
    case Isa::kAvx512:
      return GemmAvx512(panels);
  }
}

}  // namespace beak::simd
