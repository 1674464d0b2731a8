#pragma once

#include <immintrin.h>

#include <cstdint>

// Vectors of 8 numbers, for loops that are compiled for AVX2: included in such files alone.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"  // where a check compiles this alone, for every machine

namespace {

struct Avx2 {
  typedef float Vector __attribute__((vector_size(32)));
  typedef float InMemory __attribute__((vector_size(32), aligned(4), may_alias));  // anywhere in an array of floats
  typedef int32_t Mask __attribute__((vector_size(32)));                           // what a comparison gives

  // The number that stands there, in all lanes: one instruction, which `Vector{} + *from` is not.
  static Vector Broadcast(const float* from) { return _mm256_broadcast_ss(from); }

  // The first `count` lanes, 1 to 8; the others are 0, or stay.
  static Vector LoadPart(const float* from, int64_t count) { return _mm256_maskload_ps(from, Lanes(count)); }
  static void StorePart(const Vector& vector, int64_t count, float* to) {
    _mm256_maskstore_ps(to, Lanes(count), vector);
  }

 private:
  static __m256i Lanes(int64_t count) {
    alignas(32) static constexpr int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnes + 8 - count));
  }
};

}  // namespace

#pragma GCC diagnostic pop
