#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.h"

namespace beak::simd {

// Matrix product of float32 matrices, C[m,n] = clamp(A[m,k] * B[k,n] + bias[n]), with B packed beforehand.
//
// Every element of C is one chain of multiply-adds over k = 0, 1, 2 ..., whatever m is and wherever its row stands, so
// a row's result is the same bits in any batch and on any number of threads. oneDNN's inner product and matmul do not
// keep that on AVX2. NaN in A or B reaches C, through the clamp too.

// B packed in panels of panel_width() columns, each [k][panel_width()], the last one padded with zeros. Narrow matrices
// get narrow panels, so that a classifier of ten classes is not padded to 64.
class GemmPacking {
 public:
  // For the given instruction set: its kernel decides the width. REQUIRES: k, n >= 1 and their product checked.
  GemmPacking(int64_t k, int64_t n, Isa isa);

  int64_t k() const { return k_; }
  int64_t n() const { return n_; }
  Isa isa() const { return isa_; }
  int64_t panel_width() const { return panel_width_; }
  int64_t num_panels() const { return (n_ + panel_width_ - 1) / panel_width_; }
  size_t packed_elements() const { return static_cast<size_t>(num_panels() * panel_width_ * k_); }

  // Element (k, n) of the plain matrix is b[k * row_stride + n * column_stride].
  void Pack(const float* b, int64_t row_stride, int64_t column_stride, float* packed) const;
  void Unpack(const float* packed, int64_t row_stride, int64_t column_stride, float* b) const;

 private:
  // Of rows whose elements follow each other.
  void PackRows(const float* b, int64_t row_stride, float* packed) const;

  int64_t k_;
  int64_t n_;
  Isa isa_;
  int64_t panel_width_;
};

struct GemmArguments {
  int64_t m = 0;
  const float* a = nullptr;  // m rows of k elements, `a_stride` apart
  int64_t a_stride = 0;
  const float* packed_b = nullptr;
  const float* bias = nullptr;  // n elements, or null
  float* c = nullptr;           // m rows of n elements, `c_stride` apart
  int64_t c_stride = 0;
  float lower = 0;  // every element is clamped to [lower, upper]; -inf and +inf leave it alone
  float upper = 0;
};

// Computes the columns of panels first_panel .. last_panel-1. Threads may compute disjoint panels at the same time.
void Gemm(const GemmPacking& packing, const GemmArguments& arguments, int64_t first_panel, int64_t last_panel);

}  // namespace beak::simd
