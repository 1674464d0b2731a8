#pragma once

#include <cstdint>

#include "engine/tensor/shape.h"

namespace beak {

// A tensor [batch, channels, elements]. A value type.
struct Channels {
  int64_t batch;
  int64_t channels;
  int64_t size;

  // Without a second dimension there is one channel.
  static Channels Of(const Shape& shape) {
    if (shape.size() < 2) return {NumElements(shape), 1, 1};
    return {shape[0], shape[1], NumElements(Shape(shape.begin() + 2, shape.end()))};
  }

  // Calls fn(element) for each element of a channel.
  template <typename Fn>
  void ForEach(int64_t channel, Fn fn) const {
    for (int64_t n = 0; n < batch; ++n) {
      const int64_t start = (n * channels + channel) * size;
      for (int64_t e = 0; e < size; ++e) fn(start + e);
    }
  }
};

}  // namespace beak
