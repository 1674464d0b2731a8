#include "engine/simd/weight_gradient.h"

#include <algorithm>

#include "engine/base/cpu.h"
#include "engine/base/parallel.h"
#include "engine/simd/weight_gradient_kernel.h"

namespace beak::simd {
namespace {

constexpr int64_t kBlock = 8;

struct Sizes {
  int64_t columns;  // of a plane of x with zeros around it
  int64_t padded;   // elements of that
  int64_t x_plane, dy_plane;
  int64_t window;       // of the weights of one block by one block
  int64_t weights;      // of all
  int64_t pairs;        // of blocks of filters, the last one may be a single
  int64_t strip;        // rows of the output at a time
  int64_t image_parts;  // that threads sum apart, where there are fewer blocks than threads can share

  explicit Sizes(const BlockedConvolution& c)
      : columns(c.window.padded_columns()),
        padded(c.window.padded_rows() * columns * kBlock),
        x_plane(c.window.rows * c.window.columns * kBlock),
        dy_plane(c.window.output_rows * c.window.output_columns * kBlock),
        window(c.window.kernel_rows * c.window.kernel_columns * kBlock * kBlock),
        weights(c.output_blocks * c.input_blocks * window),
        pairs((c.output_blocks + 1) / 2),
        strip(Strip(c, columns)),
        image_parts(ImageParts(c, pairs * c.input_blocks)) {}

  // As many rows of two blocks of dy and of x as stay in the first-level cache, through which all tiles go.
  static int64_t Strip(const BlockedConvolution& c, int64_t columns) {
    constexpr int64_t kCacheElements = 5 << 10;
    const int64_t row = (2 * c.window.output_columns + c.window.row_stride * columns) * kBlock;
    const int64_t strips = (c.window.output_rows * row + kCacheElements - 1) / kCacheElements;
    return (c.window.output_rows + strips - 1) / strips;
  }

  // Blocks alone where all threads get as many of them, or nearly.
  static int64_t ImageParts(const BlockedConvolution& c, int64_t tasks) {
    const bool shared = tasks % c.threads == 0 || tasks >= 8 * c.threads;
    return shared ? 1 : std::min<int64_t>(c.threads, c.images);
  }
};

// What one thread sums: input blocks by pairs of blocks of filters, counted through, over some images, to `dw`.
struct Share {
  int64_t first_task, last_task;
  int64_t first_image, last_image;
  float* padded;  // a plane with zeros around it
  float* dw;
};

WeightGradientLoop LoopOf(const BlockedConvolution& c, const Sizes& sizes) {
  WeightGradientLoop loop{};
  loop.x_row = c.window.row_dilation * sizes.columns * kBlock;
  loop.x_column = c.window.column_dilation * kBlock;
  loop.x_row_step = c.window.row_stride * sizes.columns * kBlock;
  loop.x_column_step = c.window.column_stride * kBlock;
  loop.output_columns = c.window.output_columns;
  loop.kernel_rows = c.window.kernel_rows;
  loop.kernel_columns = c.window.kernel_columns;
  return loop;
}

// One block of input channels by pairs first .. last-1 of blocks of filters.
void SumBlock(const BlockedConvolution& c, const Sizes& sizes, const Share& share, int64_t input, int64_t first,
              int64_t last, const float* x, const float* dy) {
  WeightGradientLoop loop = LoopOf(c, sizes);
  const auto window_of = [&](int64_t output) { return share.dw + (output * c.input_blocks + input) * sizes.window; };
  for (int64_t output = 2 * first; output < std::min(2 * last, c.output_blocks); ++output) {
    std::fill_n(window_of(output), sizes.window, 0.0f);
  }
  for (int64_t image = share.first_image; image < share.last_image; ++image) {
    CopyWithZeros(c.window, kBlock, x + (image * c.input_blocks + input) * sizes.x_plane, share.padded);
    for (int64_t pair = first; pair < last; ++pair) {
      const int64_t output = 2 * pair;
      const bool both = output + 1 < c.output_blocks;
      loop.dw[0] = window_of(output);
      loop.dw[1] = both ? window_of(output + 1) : nullptr;
      for (int64_t row = 0; row < c.window.output_rows; row += sizes.strip) {
        loop.x = share.padded + row * loop.x_row_step;
        loop.dy[0] = dy + (image * c.output_blocks + output) * sizes.dy_plane + row * c.window.output_columns * kBlock;
        loop.dy[1] = both ? loop.dy[0] + sizes.dy_plane : nullptr;
        loop.output_rows = std::min(sizes.strip, c.window.output_rows - row);
        WeightGradientAvx2(loop);
      }
    }
  }
}

// The copy of a plane of x serves all pairs that follow each other.
void SumShare(const BlockedConvolution& c, const Sizes& sizes, const Share& share, const float* x, const float* dy) {
  for (int64_t task = share.first_task; task < share.last_task;) {
    const int64_t input = task / sizes.pairs, first = task % sizes.pairs;
    const int64_t last = std::min(sizes.pairs, first + share.last_task - task);
    SumBlock(c, sizes, share, input, first, last, x, dy);
    task += last - first;
  }
}

Share ShareOf(const BlockedConvolution& c, const Sizes& sizes, int thread, float* dw, float* scratch) {
  const int64_t tasks = sizes.pairs * c.input_blocks, parts = sizes.image_parts;
  float* const padded = scratch + thread * sizes.padded;
  if (parts == 1) {
    const Range part = PartOf(tasks, thread, c.threads);
    return {part.begin, part.end, 0, c.images, padded, dw};
  }
  if (thread >= parts) return {0, 0, 0, 0, padded, nullptr};
  const Range images = PartOf(c.images, thread, parts);
  return {0, tasks, images.begin, images.end, padded, scratch + c.threads * sizes.padded + thread * sizes.weights};
}

// dw = the sum of what the threads have summed over their images.
void AddParts(const BlockedConvolution& c, const Sizes& sizes, const float* parts, float* dw) {
  ParallelFor(c.threads, [&](int thread) {
    const Range range = PartOf(sizes.weights, thread, c.threads);
    for (int64_t i = range.begin; i < range.end; ++i) {
      float sum = 0;
      for (int64_t part = 0; part < sizes.image_parts; ++part) sum += parts[part * sizes.weights + i];
      dw[i] = sum;
    }
  });
}

// The sum of dy over all images and pixels, of one block.
void SumBias(const BlockedConvolution& c, const Sizes& sizes, int64_t output, const float* dy, float* dbias) {
  double sums[kBlock] = {};
  for (int64_t image = 0; image < c.images; ++image) {
    const float* const plane = dy + (image * c.output_blocks + output) * sizes.dy_plane;
    float part[kBlock] = {};
    for (int64_t i = 0; i < sizes.dy_plane; i += kBlock) {
      for (int64_t lane = 0; lane < kBlock; ++lane) part[lane] += plane[i + lane];
    }
    for (int64_t lane = 0; lane < kBlock; ++lane) sums[lane] += part[lane];
  }
  for (int64_t lane = 0; lane < std::min(kBlock, c.filters - output * kBlock); ++lane) {
    dbias[output * kBlock + lane] = static_cast<float>(sums[lane]);
  }
}

}  // namespace

size_t BlockedConvolution::scratch_bytes() const {
  const Sizes sizes(*this);
  const int64_t parts = sizes.image_parts > 1 ? sizes.image_parts * sizes.weights : 0;
  return static_cast<size_t>(threads * sizes.padded + parts) * sizeof(float);
}

bool HasBlockedWeightGradient(const BlockedConvolution& c) {
  return BestIsa() != Isa::kSse2 && c.window.kernel_columns >= 2 && c.window.kernel_columns <= 5;
}

void WeightGradient(const BlockedConvolution& c, const float* x, const float* dy, float* dw, float* dbias,
                    std::byte* scratch) {
  const Sizes sizes(c);
  auto* const memory = reinterpret_cast<float*>(scratch);
  ParallelFor(c.threads, [&](int thread) {
    SumShare(c, sizes, ShareOf(c, sizes, thread, dw, memory), x, dy);
    if (dbias == nullptr) return;
    const Range outputs = PartOf(c.output_blocks, thread, c.threads);
    for (int64_t output = outputs.begin; output < outputs.end; ++output) SumBias(c, sizes, output, dy, dbias);
  });
  if (sizes.image_parts > 1) AddParts(c, sizes, memory + c.threads * sizes.padded, dw);
}

}  // namespace beak::simd
