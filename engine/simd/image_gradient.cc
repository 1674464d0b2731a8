#include "engine/simd/image_gradient.h"

#include <algorithm>

#include "engine/base/parallel.h"
#include "engine/simd/image_gradient_kernel.h"

namespace beak::simd {
namespace {

// What a thread has for itself: one image with zeros around it, and its sums.
struct Sizes {
  int64_t plane, image, sums, all;  // elements

  explicit Sizes(const ImageConvolution& c)
      : plane(c.window.padded_rows() * c.window.padded_columns()),
        image(c.channels * plane),
        sums((c.taps() + 1) * c.blocks * c.lanes),
        all(image + sums) {}
};

void CopyImage(const ImageConvolution& c, const Sizes& sizes, const float* x, float* to) {
  for (int64_t channel = 0; channel < c.channels; ++channel) {
    CopyWithZeros(c.window, 1, x + channel * c.window.rows * c.window.columns, to + channel * sizes.plane);
  }
}

void SumImages(const ImageConvolution& c, const Sizes& sizes, const int64_t* taps, const float* x, const float* dy,
               int64_t first, int64_t last, float* memory) {
  float* const sums = memory + sizes.image;
  std::fill_n(sums, sizes.sums, 0.0f);
  ImageGradientLoop loop{};
  loop.x = memory;
  loop.x_row_step = c.window.row_stride * c.window.padded_columns();
  loop.x_column_step = c.window.column_stride;
  loop.taps = taps;
  loop.run = c.window.column_dilation == 1 ? c.window.kernel_columns : 1;
  loop.num_taps = c.taps();
  loop.output_rows = c.window.output_rows;
  loop.output_columns = c.window.output_columns;
  loop.lanes = c.lanes;
  loop.sum_stride = c.blocks * c.lanes;
  for (int64_t image = first; image < last; ++image) {
    CopyImage(c, sizes, x + image * c.channels * c.window.rows * c.window.columns, memory);
    for (int64_t block = 0; block < c.blocks; ++block) {
      loop.dy = dy + image * c.image_stride + block * c.block_stride;
      loop.sums = sums + block * c.lanes;
      c.isa == Isa::kSse2 ? ImageGradientSse2(loop) : ImageGradientAvx2(loop);
    }
  }
}

// Where each element of a window lies, in the order of the weights.
void SetTaps(const ImageConvolution& c, const Sizes& sizes, int64_t* taps) {
  for (int64_t channel = 0; channel < c.channels; ++channel) {
    for (int64_t row = 0; row < c.window.kernel_rows; ++row) {
      for (int64_t column = 0; column < c.window.kernel_columns; ++column) {
        *taps++ = channel * sizes.plane + row * c.window.row_dilation * c.window.padded_columns() +
                  column * c.window.column_dilation;
      }
    }
  }
}

}  // namespace

size_t ImageConvolution::scratch_bytes() const {
  return static_cast<size_t>(taps()) * sizeof(int64_t) +
         static_cast<size_t>(threads * Sizes(*this).all) * sizeof(float);
}

void WeightGradient(const ImageConvolution& c, const float* x, const float* dy, float* dw, float* dbias,
                    std::byte* scratch) {
  const Sizes sizes(c);
  auto* const taps = reinterpret_cast<int64_t*>(scratch);
  auto* const memory = reinterpret_cast<float*>(taps + c.taps());
  SetTaps(c, sizes, taps);
  ParallelFor(c.threads, [&](int thread) {
    const Range images = PartOf(c.images, thread, c.threads);
    SumImages(c, sizes, taps, x, dy, images.begin, images.end, memory + thread * sizes.all);
  });
  for (int64_t filter = 0; filter < c.filters; ++filter) {
    for (int64_t tap = 0; tap <= c.taps(); ++tap) {
      float sum = 0;
      for (int thread = 0; thread < c.threads; ++thread) {
        sum += memory[thread * sizes.all + sizes.image + tap * c.blocks * c.lanes + filter];
      }
      if (tap < c.taps()) dw[filter * c.taps() + tap] = sum;
      if (tap == c.taps() && dbias != nullptr) dbias[filter] = sum;
    }
  }
}

}  // namespace beak::simd
