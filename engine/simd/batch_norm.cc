#include "engine/simd/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "engine/base/parallel.h"
#include "engine/simd/batch_norm_kernel.h"

namespace beak::simd {
namespace {

// A second look at a piece finds it in the cache: in the second level, or in the first where pixels have many channels,
// for these are gone through a vector of them after the other.
int64_t PiecePixels(const NormPlanes& planes) {
  constexpr int64_t kElements = 1 << 14, kManyChannels = 16;
  return std::max<int64_t>((planes.lanes > kManyChannels ? kElements / 4 : kElements) / planes.lanes, 1);
}
int64_t PiecesOfPlane(const NormPlanes& planes) {
  const int64_t size = PiecePixels(planes);
  return (planes.pixels + size - 1) / size;
}
int64_t PiecesOfChannel(const NormPlanes& planes) { return planes.images * PiecesOfPlane(planes); }

// The scratch: sums over all pieces, two results of each piece, and other numbers, of each channel, padded to whole
// blocks.
class Scratch {
 public:
  static constexpr int64_t kVectors = 5;

  Scratch(const NormPlanes& planes, std::byte* memory)
      : planes_(planes),
        sums_(reinterpret_cast<double*>(memory)),
        results_(reinterpret_cast<float*>(sums_ + 2 * planes.padded_channels())) {}

  static size_t Bytes(const NormPlanes& planes) {
    const auto channels = static_cast<size_t>(planes.padded_channels());
    return channels *
           (2 * sizeof(double) + static_cast<size_t>(2 * PiecesOfChannel(planes) + kVectors) * sizeof(float));
  }

  double* Sum(int which) const { return sums_ + which * planes_.padded_channels(); }
  // `which` 0 or 1, of one piece: of all channels.
  float* Result(int which, int64_t piece) const {
    return results_ + (which * PiecesOfChannel(planes_) + piece) * planes_.padded_channels();
  }
  // Numbers of each channel, by kind.
  float* Vector(int64_t i) const { return results_ + (2 * PiecesOfChannel(planes_) + i) * planes_.padded_channels(); }

 private:
  const NormPlanes& planes_;
  double* const sums_;
  float* const results_;
};

enum VectorKind { kMean, kFactor, kShift, kShare, kSlope };

using Loop = void (*)(const NormPiece&);

// The pieces of all planes, on all threads.
class Passes {
 public:
  Passes(const BatchNorm& norm, std::byte* memory) : norm_(norm), scratch_(norm.planes, memory) {
    piece_.pixel_stride = norm.planes.pixel_stride;
    piece_.lanes = norm.planes.lanes;
    piece_.lower = norm.lower;
    piece_.upper = norm.upper;
    piece_.clamps = !std::isinf(norm.lower) || !std::isinf(norm.upper);
  }

  const Scratch& scratch() const { return scratch_; }
  // Pointers to the beginnings of whole tensors; each piece gets its own from them.
  NormPiece& whole() { return piece_; }

  void Run(Loop loop) {
    const int64_t count = PiecesOfChannel(norm_.planes) * norm_.planes.blocks;
    ParallelFor(norm_.threads, [&](int thread) {
      const Range part = PartOf(count, thread, norm_.threads);
      for (int64_t i = part.begin; i < part.end; ++i) loop(PieceAt(i));
    });
  }

 private:
  NormPiece PieceAt(int64_t i) const {
    const NormPlanes& planes = norm_.planes;
    const int64_t per_plane = PiecesOfPlane(planes), size = PiecePixels(planes);
    const int64_t part = i % per_plane, block = i / per_plane % planes.blocks, image = i / per_plane / planes.blocks;
    const int64_t at = image * planes.image_stride + block * planes.block_stride + part * size * planes.pixel_stride;
    const int64_t lane = block * planes.lanes;
    NormPiece piece = piece_;
    piece.pixels = std::min(size, planes.pixels - part * size);
    piece.x += at;
    piece.dy = piece.dy == nullptr ? nullptr : piece.dy + at;
    piece.residual = piece.residual == nullptr ? nullptr : piece.residual + at;
    piece.out = piece.out == nullptr ? nullptr : piece.out + at;
    piece.first = scratch_.Result(0, image * per_plane + part) + lane;
    piece.second = scratch_.Result(1, image * per_plane + part) + lane;
    piece.mean = scratch_.Vector(kMean) + lane;
    piece.factor = scratch_.Vector(kFactor) + lane;
    piece.shift = scratch_.Vector(kShift) + lane;
    piece.share = scratch_.Vector(kShare) + lane;
    piece.slope = scratch_.Vector(kSlope) + lane;
    return piece;
  }

  const BatchNorm& norm_;
  const Scratch scratch_;
  NormPiece piece_{};
};

double CountOf(const NormPlanes& planes) { return static_cast<double>(planes.images * planes.pixels); }

int64_t PixelsOfPiece(const NormPlanes& planes, int64_t piece) {
  const int64_t size = PiecePixels(planes);
  return std::min(size, planes.pixels - piece % PiecesOfPlane(planes) * size);
}

// Sum `which` becomes, for each channel, that of weight(piece) * result(which, piece).
template <typename Weight>
void SumPieces(const NormPlanes& planes, const Scratch& scratch, int which, const Weight& weight) {
  double* const sums = scratch.Sum(which);
  std::fill_n(sums, planes.padded_channels(), 0.0);
  for (int64_t piece = 0; piece < PiecesOfChannel(planes); ++piece) {
    const float* const results = scratch.Result(which, piece);
    const double by = weight(piece);
    for (int64_t c = 0; c < planes.padded_channels(); ++c) sums[c] += by * results[c];
  }
}

// Of pieces with means m_i and squared distances s_i from them: mean = sum n_i m_i / n, and the sum of squared
// distances from it = sum (s_i + n_i (m_i - mean)^2). (Chan, Golub and LeVeque 1979)
void CombineMoments(const NormPlanes& planes, const Scratch& scratch, float* mean, float* variance) {
  const auto pixels_of = [&](int64_t piece) { return static_cast<double>(PixelsOfPiece(planes, piece)); };
  SumPieces(planes, scratch, 0, pixels_of);
  SumPieces(planes, scratch, 1, [](int64_t) { return 1.0; });
  double *const means = scratch.Sum(0), *const squares = scratch.Sum(1);
  for (int64_t c = 0; c < planes.padded_channels(); ++c) means[c] /= CountOf(planes);
  for (int64_t piece = 0; piece < PiecesOfChannel(planes); ++piece) {
    const float* const results = scratch.Result(0, piece);
    const double count = pixels_of(piece);
    for (int64_t c = 0; c < planes.padded_channels(); ++c) {
      const double distance = results[c] - means[c];
      squares[c] += count * distance * distance;
    }
  }
  for (int64_t c = 0; c < planes.channels; ++c) {
    mean[c] = static_cast<float>(means[c]);
    variance[c] = static_cast<float>(squares[c] / CountOf(planes));
  }
}

// Mean, factor and shift of each channel; of padding all are 0, so that zeros stay zeros.
void SetVectors(const BatchNorm& norm, const Scratch& scratch, const float* scale, const float* bias, const float* mean,
                const float* variance) {
  for (int64_t c = 0; c < norm.planes.padded_channels(); ++c) {
    const bool counts = c < norm.planes.channels;
    scratch.Vector(kMean)[c] = counts ? mean[c] : 0;
    scratch.Vector(kFactor)[c] =
        counts ? static_cast<float>(scale[c] / std::sqrt(double{variance[c]} + norm.epsilon)) : 0;
    scratch.Vector(kShift)[c] = counts && bias != nullptr ? bias[c] : 0;
  }
}

// The gradients of scale and bias, and what those of x need, of the sums of dy and of dy * (x - mean).
void SetGradients(const BatchNorm& norm, const Scratch& scratch, const BatchNormBackward& operands) {
  const double *const sums = scratch.Sum(0), *const products = scratch.Sum(1);
  for (int64_t c = 0; c < norm.planes.padded_channels(); ++c) {
    const bool counts = c < norm.planes.channels;
    const double inverse = counts ? 1 / (double{operands.variance[c]} + norm.epsilon) : 0;
    scratch.Vector(kShare)[c] = static_cast<float>(sums[c] / CountOf(norm.planes));
    scratch.Vector(kSlope)[c] = static_cast<float>(products[c] * inverse / CountOf(norm.planes));
    if (counts && operands.dbias != nullptr) operands.dbias[c] = static_cast<float>(sums[c]);
    if (counts && operands.dscale != nullptr) operands.dscale[c] = static_cast<float>(products[c] * std::sqrt(inverse));
  }
}

}  // namespace

size_t BatchNorm::scratch_bytes() const { return Scratch::Bytes(planes); }

void RunBatchNorm(const BatchNorm& norm, const BatchNormForward& operands) {
  const bool simple = norm.isa == Isa::kSse2;
  Passes passes(norm, operands.scratch);
  passes.whole().x = operands.x;
  passes.Run(simple ? NormMomentsSse2 : NormMomentsAvx2);
  CombineMoments(norm.planes, passes.scratch(), operands.mean, operands.variance);
  SetVectors(norm, passes.scratch(), operands.scale, operands.bias, operands.mean, operands.variance);
  passes.whole().residual = operands.residual;
  passes.whole().out = operands.y;
  passes.Run(simple ? NormApplySse2 : NormApplyAvx2);
}

void RunBatchNorm(const BatchNorm& norm, const BatchNormBackward& operands) {
  const bool simple = norm.isa == Isa::kSse2;
  const NormPlanes& planes = norm.planes;
  Passes passes(norm, operands.scratch);
  const Scratch& scratch = passes.scratch();
  SetVectors(norm, scratch, operands.scale, operands.bias, operands.mean, operands.variance);
  passes.whole().x = operands.x;
  passes.whole().dy = operands.dy;
  passes.Run(simple ? NormSumsSse2 : NormSumsAvx2);
  for (const int which : {0, 1}) SumPieces(planes, scratch, which, [](int64_t) { return 1.0; });
  SetGradients(norm, scratch, operands);
  passes.whole().out = operands.dx;
  passes.Run(simple ? NormGradientSse2 : NormGradientAvx2);
}

}  // namespace beak::simd
