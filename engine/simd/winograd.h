#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.h"
#include "engine/simd/gemm.h"

// Convolution of images with filters of 3x3, stride 1, by F(4x4, 3x3): A. Lavin, S. Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015 (arXiv:1509.09308). Each tile of 4x4 outputs is computed from a patch of 6x6
// inputs by 36 multiplications for each channel and filter, where the definition has 144; those of all tiles are 36
// matrix products (simd/gemm.h). With a dilation of d, the image is d * d grids of pixels, each convolved densely.
//
// Every output is the same bits in any batch, with any number of threads. Its error is about ten times that of the
// plain sum, in float32 some 1e-6 of the largest sum of magnitudes; an infinity makes NaN of its tile.
namespace beak::simd {

// Where the elements of images lie, in elements: channel c of a pixel is at c / lanes * block + c % lanes.
struct ImageStrides {
  int64_t image = 0, block = 0, row = 0, pixel = 0;
  int64_t lanes = 0;  // a multiple of the vector's, which so are the channels
};

struct WinogradShape {
  int64_t images = 0;
  int64_t channels = 0, rows = 0, columns = 0;               // of the input
  int64_t filters = 0, output_rows = 0, output_columns = 0;  // of the output
  int64_t dilation = 1;                                      // of rows and of columns
  int64_t pad_top = 0, pad_left = 0;                         // in dilations; what lies outside the input is 0
  ImageStrides x, y;
};

// The numbers of a vector, of which channels and filters must be multiples; 0 where there are no such loops.
int64_t WinogradLanes(Isa isa);

// Tiles that the output of one image is cut into.
int64_t WinogradTiles(const WinogradShape& shape);

// How the filters of a convolution lie.
enum class FilterOrder {
  kForward,        // [filters, channels, 3, 3]
  kInputGradient,  // [channels, filters, 3, 3], to be turned around: those of the convolution whose gradient this one
                   // is
};

// Filters as the products read them.
class WinogradFilters {
 public:
  WinogradFilters(int64_t channels, int64_t filters, Isa isa, FilterOrder order)
      : packing_(channels, filters, isa), order_(order) {}

  const GemmPacking& packing() const { return packing_; }
  FilterOrder order() const { return order_; }

  // The transformed filters.
  size_t packed_elements() const { return 36 * packing_.packed_elements(); }
  void Pack(const float* plain, float* packed, int threads) const;

  // The same, and behind them the filters as they were: the transform cannot be undone to the bit.
  size_t reversible_elements() const { return packed_elements() + plain_elements(); }
  void PackReversibly(const float* plain, float* packed) const;
  void Unpack(const float* packed, float* plain) const;

 private:
  size_t plain_elements() const { return static_cast<size_t>(packing_.k() * packing_.n() * 9); }

  GemmPacking packing_;
  FilterOrder order_;
};

struct WinogradArguments {
  const float* x = nullptr;
  const float* filters = nullptr;  // packed
  const float* bias = nullptr;     // one a filter, or null
  float* y = nullptr;
  bool accumulate = false;  // y holds what is added before the clamp
  float lower = 0;          // every output is clamped to [lower, upper]; -inf and +inf leave it alone
  float upper = 0;
  float* scratch = nullptr;
};

// One convolution, for `threads` threads. *Immutable.*
class WinogradConvolution {
 public:
  // REQUIRES: WinogradLanes(isa) > 0 and divides channels, filters and lanes.
  WinogradConvolution(const WinogradShape& shape, Isa isa, int threads, FilterOrder order = FilterOrder::kForward);

  const WinogradFilters& filters() const { return filters_; }
  // On all of the threads.
  void PackFilters(const float* plain, float* packed) const { filters_.Pack(plain, packed, threads_); }
  size_t scratch_elements() const;
  void Run(const WinogradArguments& arguments) const;

 private:
  void RunChunk(const WinogradArguments& arguments, int64_t first_tile, int64_t tiles) const;

  const WinogradShape shape_;
  const WinogradFilters filters_;
  const Isa isa_;
  const int threads_;
  int64_t tiles_ = 0;        // of all images
  int64_t chunk_tiles_ = 0;  // that are in the scratch at a time
};

}  // namespace beak::simd
