#pragma once

#include <cstdint>

// What loops do with the vectors of any vectors_<isa>.h. Templates without linkage, as all that is included in files
// that are compiled for more than the baseline: see gemm_kernel.h.
namespace {

template <typename Isa>
constexpr int64_t kLanesOf = sizeof(typename Isa::Vector) / sizeof(float);

// kWhole: all lanes are there; else the first `count` of them, and the others are 0.
template <typename Isa, bool kWhole>
typename Isa::Vector Load(const float* from, int64_t count) {
  if constexpr (kWhole) return *reinterpret_cast<const typename Isa::InMemory*>(from);
  return Isa::LoadPart(from, count);
}

// Lanes that are not there stay as they are in memory.
template <typename Isa, bool kWhole>
void Store(const typename Isa::Vector& vector, int64_t count, float* to) {
  if constexpr (kWhole) {
    *reinterpret_cast<typename Isa::InMemory*>(to) = vector;
  } else {
    Isa::StorePart(vector, count, to);
  }
}

// Calls fn.operator()<kWhole>(first lane, lanes) for each group of `lanes` channels that a vector holds.
template <typename Isa, typename Fn>
void ForEachGroup(int64_t lanes, const Fn& fn) {
  int64_t lane = 0;
  for (; lane + kLanesOf<Isa> <= lanes; lane += kLanesOf<Isa>) fn.template operator()<true>(lane, kLanesOf<Isa>);
  if (lane < lanes) fn.template operator()<false>(lane, lanes - lane);
}

}  // namespace
