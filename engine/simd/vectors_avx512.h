#pragma once

#include <immintrin.h>

// Vectors of 16 numbers, for loops that are compiled for AVX-512: included in such files alone.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"  // where a check compiles this alone, for every machine

namespace {

struct Avx512 {
  typedef float Vector __attribute__((vector_size(64)));
  typedef float InMemory __attribute__((vector_size(64), aligned(4), may_alias));  // anywhere in an array of floats

  // The number that stands there, in all lanes: one instruction, which `Vector{} + *from` is not.
  static Vector Broadcast(const float* from) { return _mm512_set1_ps(*from); }
};

}  // namespace

#pragma GCC diagnostic pop
