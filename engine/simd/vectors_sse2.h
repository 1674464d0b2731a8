#pragma once

#include <cstdint>

// Vectors of 4 numbers, for loops that are compiled for every x86-64 machine.
namespace {

struct Sse2 {
  typedef float Vector __attribute__((vector_size(16)));
  typedef float InMemory __attribute__((vector_size(16), aligned(4), may_alias));  // anywhere in an array of floats
  typedef int32_t Mask __attribute__((vector_size(16)));                           // what a comparison gives

  // The number that stands there, in all lanes.
  static Vector Broadcast(const float* from) { return Vector{*from, *from, *from, *from}; }

  // The first `count` lanes, 1 to 4; the others are 0, or stay.
  static Vector LoadPart(const float* from, int64_t count) {
    Vector vector{};
    for (int64_t i = 0; i < count; ++i) vector[i] = from[i];
    return vector;
  }
  static void StorePart(const Vector& vector, int64_t count, float* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = vector[i];
  }
};

}  // namespace
