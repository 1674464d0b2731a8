#pragma once

#include <array>

#include "engine/reference/strided_walk.h"

namespace beak {

// out = fn(a, b) over broadcast operands. The cases that matter (same shapes, one element against many) are loops of
// their own, which a compiler can vectorise. `out` may be `a` or `b` itself where that one is not repeated.
template <typename A, typename B, typename R, typename Fn>
void ApplyBinary(const StridedWalk& walk, const A* a, const B* b, R* out, Fn fn) {
  const int64_t count = walk.run_length();
  const int64_t a_step = walk.step(0);
  const int64_t b_step = walk.step(1);
  walk.ForEachRun<2>([&](int64_t first, const std::array<int64_t, 2>& offsets) {
    const A* const x = a + offsets[0];
    const B* const y = b + offsets[1];
    R* const z = out + first;
    if (a_step == 1 && b_step == 1) {
      for (int64_t i = 0; i < count; ++i) z[i] = fn(x[i], y[i]);
    } else if (a_step == 1 && b_step == 0) {
      const B repeated = *y;
      for (int64_t i = 0; i < count; ++i) z[i] = fn(x[i], repeated);
    } else if (a_step == 0 && b_step == 1) {
      const A repeated = *x;
      for (int64_t i = 0; i < count; ++i) z[i] = fn(repeated, y[i]);
    } else {
      for (int64_t i = 0; i < count; ++i) z[i] = fn(x[i * a_step], y[i * b_step]);
    }
  });
}

}  // namespace beak
