#pragma once

#include <cstdint>

#include "engine/simd/vectors.h"

// The loops of simd/batch_norm.h over one piece of a plane, compiled once per instruction set. Nothing but
// vectors.h may be included here: see gemm_kernel.h.
namespace beak::simd {

// Pixels, `pixel_stride` elements apart, of `lanes` channels side by side; pointers to the first of each.
struct NormPiece {
  int64_t pixels, pixel_stride, lanes;
  const float *x, *dy, *residual;  // residual null: none
  float* out;                      // y, or dx
  // Of each lane. y = clamp((x - mean) * factor + shift + residual).
  const float *mean, *factor, *shift;
  // dx = factor * (dy - share - (x - mean) * slope).
  const float *share, *slope;
  float lower, upper;     // bounds of the activation
  bool clamps;            // whether there is one
  float *first, *second;  // results of the sums, of each lane
};

#define BEAK_NORM_LOOPS(Isa)                     \
  void NormMoments##Isa(const NormPiece& piece); \
  void NormApply##Isa(const NormPiece& piece);   \
  void NormSums##Isa(const NormPiece& piece);    \
  void NormGradient##Isa(const NormPiece& piece);

BEAK_NORM_LOOPS(Sse2)
BEAK_NORM_LOOPS(Avx2)

#undef BEAK_NORM_LOOPS

}  // namespace beak::simd

namespace {

// Isa is one of vectors_<isa>.h.
template <typename Isa>
class NormLoops {
 public:
  using Piece = beak::simd::NormPiece;

  // first: the mean of each lane; second: the sum of squared distances from it. The piece is in the cache the second
  // time.
  static void Moments(const Piece& p) {
    ForEachGroup<Isa>(p.lanes, [&]<bool kWhole>(int64_t lane, int64_t count) {
      const float* const x = p.x + lane;
      const Vector sum = SumOfPixels(p, [&](int64_t at) { return Load<Isa, kWhole>(x + at, count); });
      const Vector mean = sum / static_cast<float>(p.pixels);
      const Vector squares = SumOfPixels(p, [&](int64_t at) {
        const Vector distance = Load<Isa, kWhole>(x + at, count) - mean;
        return distance * distance;
      });
      Store<Isa, kWhole>(mean, count, p.first + lane);
      Store<Isa, kWhole>(squares, count, p.second + lane);
    });
  }

  template <bool kClamps>
  static void Apply(const Piece& p) {
    p.residual != nullptr ? ApplyTo<kClamps, true>(p) : ApplyTo<kClamps, false>(p);
  }

  // first: the sum of dy; second: that of dy * (x - mean).
  template <bool kClamps>
  static void Sums(const Piece& p) {
    ForEachGroup<Isa>(p.lanes, [&]<bool kWhole>(int64_t lane, int64_t count) {
      const Numbers<kWhole> numbers(p, lane, count);
      const Slope<kClamps> slope(p);
      const float *const x = p.x + lane, *const dy = p.dy + lane;
      const int64_t pixels = p.pixels, stride = p.pixel_stride;
      Vector sums[2] = {}, products[2] = {};
      const auto add = [&](int64_t i, int64_t j) {
        const Vector in = Load<Isa, kWhole>(x + i * stride, count);
        const Vector passed = slope.Passed(Load<Isa, kWhole>(dy + i * stride, count), numbers.Normalize(in));
        sums[j] += passed;
        products[j] += passed * (in - numbers.mean);
      };
      int64_t i = 0;
      for (; i + 2 <= pixels; i += 2) {
        add(i, 0);
        add(i + 1, 1);
      }
      if (i < pixels) add(i, 0);
      Store<Isa, kWhole>(sums[0] + sums[1], count, p.first + lane);
      Store<Isa, kWhole>(products[0] + products[1], count, p.second + lane);
    });
  }

  template <bool kClamps>
  static void Gradient(const Piece& p) {
    ForEachGroup<Isa>(p.lanes, [&]<bool kWhole>(int64_t lane, int64_t count) {
      const Numbers<kWhole> numbers(p, lane, count);
      const Slope<kClamps> slope(p);
      const Vector share = Load<Isa, kWhole>(p.share + lane, count), by = Load<Isa, kWhole>(p.slope + lane, count);
      const float *const x = p.x + lane, *const dy = p.dy + lane;
      float* const dx = p.out + lane;
      const int64_t pixels = p.pixels, stride = p.pixel_stride;
#pragma GCC unroll 2
      for (int64_t i = 0; i < pixels; ++i) {
        const Vector in = Load<Isa, kWhole>(x + i * stride, count);
        const Vector passed = slope.Passed(Load<Isa, kWhole>(dy + i * stride, count), numbers.Normalize(in));
        Store<Isa, kWhole>(numbers.factor * (passed - share - (in - numbers.mean) * by), count, dx + i * stride);
      }
    });
  }

 private:
  using Vector = typename Isa::Vector;
  using Mask = typename Isa::Mask;
  template <bool kClamps, bool kResidual>
  static void ApplyTo(const Piece& p) {
    ForEachGroup<Isa>(p.lanes, [&]<bool kWhole>(int64_t lane, int64_t count) {
      const Numbers<kWhole> numbers(p, lane, count);
      const Vector low = Vector{} + p.lower, high = Vector{} + p.upper;
      // What the loop needs of p, which its stores might change for all that the compiler knows.
      const float *const x = p.x + lane, *const residual = kResidual ? p.residual + lane : nullptr;
      float* const y = p.out + lane;
      const int64_t pixels = p.pixels, stride = p.pixel_stride;
#pragma GCC unroll 2
      for (int64_t i = 0; i < pixels; ++i) {
        Vector value = numbers.Normalize(Load<Isa, kWhole>(x + i * stride, count));
        if constexpr (kResidual) value += Load<Isa, kWhole>(residual + i * stride, count);
        if constexpr (kClamps) {
          value = value < low ? low : value;  // false for NaN, which therefore passes
          value = value > high ? high : value;
        }
        Store<Isa, kWhole>(value, count, y + i * stride);
      }
    });
  }

  // The sum of term(pixel) over all pixels: four chains, so that additions need not wait for each other.
  template <typename Term>
  static Vector SumOfPixels(const Piece& p, const Term& term) {
    Vector sums[4] = {};
    const int64_t pixels = p.pixels, stride = p.pixel_stride;
    int64_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
#pragma GCC unroll 4
      for (int64_t j = 0; j < 4; ++j) sums[j] += term((i + j) * stride);
    }
    for (; i < pixels; ++i) sums[0] += term(i * stride);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  // What the norm does to the channels of a group.
  template <bool kWhole>
  struct Numbers {
    Vector mean, factor, shift;

    Numbers(const Piece& p, int64_t lane, int64_t count)
        : mean(Load<Isa, kWhole>(p.mean + lane, count)),
          factor(Load<Isa, kWhole>(p.factor + lane, count)),
          shift(Load<Isa, kWhole>(p.shift + lane, count)) {}

    // Forward and backward loops compute it in the same way.
    Vector Normalize(const Vector& x) const { return (x - mean) * factor + shift; }
  };

  // Lets dy through where the activation's slope is 1.
  template <bool kClamps>
  struct Slope {
    Vector low, high;

    explicit Slope(const Piece& p) : low(Vector{} + p.lower), high(Vector{} + p.upper) {}

    Vector Passed(const Vector& dy, const Vector& y) const {
      if constexpr (!kClamps) return dy;
      return reinterpret_cast<Vector>(reinterpret_cast<Mask>(dy) & ((y > low) & (y < high)));
    }
  };
};

}  // namespace
