#include "engine/io/resample.h"

#include <algorithm>
#include <cmath>

namespace beak {
namespace {

// What one output pixel takes from a row (or column) of input pixels.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

// The taps of `count` outputs that spread evenly over [begin, begin + extent) of `size` inputs.
std::vector<Taps> MakeTaps(double begin, double extent, int size, int count) {
  const double step = extent / count;
  const double support = std::max(step, 1.0);
  std::vector<Taps> all(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const double center = begin + (i + 0.5) * step;
    const int first = std::clamp(static_cast<int>(std::floor(center - support + 0.5)), 0, size - 1);
    const int last = std::clamp(static_cast<int>(std::ceil(center + support - 0.5)), first + 1, size);
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    double sum = 0;
    std::vector<double> weights;
    for (int j = first; j < last; ++j) {
      weights.push_back(std::max(0.0, 1 - std::abs((j + 0.5 - center) / support)));
      sum += weights.back();
    }
    // Filters that reach over the edge are cut there and made to sum to one again.
    for (const double weight : weights) {
      taps.weights.push_back(static_cast<float>(sum > 0 ? weight / sum : 1.0 / static_cast<double>(weights.size())));
    }
  }
  return all;
}

// Along x: [height, width, channels] -> [height, taps, channels].
template <typename T>
std::vector<float> ResampleRows(const T* in, int height, int width, int channels, const std::vector<Taps>& taps) {
  std::vector<float> out(static_cast<size_t>(height) * taps.size() * static_cast<size_t>(channels));
  float* to = out.data();
  for (int y = 0; y < height; ++y) {
    const T* row = in + static_cast<size_t>(y) * static_cast<size_t>(width) * static_cast<size_t>(channels);
    for (const Taps& tap : taps) {
      for (int c = 0; c < channels; ++c) {
        float sum = 0;
        const T* from = row + static_cast<size_t>(tap.first) * static_cast<size_t>(channels) + c;
        for (const float weight : tap.weights) {
          sum += weight * static_cast<float>(*from);
          from += channels;
        }
        *to++ = sum;
      }
    }
  }
  return out;
}

// The same along y: [height, line] -> [taps, line].
template <typename T>
std::vector<float> ResampleColumns(const T* in, size_t line, const std::vector<Taps>& taps) {
  std::vector<float> out(taps.size() * line, 0.0f);
  float* to = out.data();
  for (const Taps& tap : taps) {
    const T* from = in + static_cast<size_t>(tap.first) * line;
    for (const float weight : tap.weights) {
      for (size_t i = 0; i < line; ++i) to[i] += weight * static_cast<float>(from[i]);
      from += line;
    }
    to += line;
  }
  return out;
}

}  // namespace

std::vector<float> Resample(const Raster& raster, const Box& box, int width, int height) {
  const std::vector<Taps> across = MakeTaps(box.x, box.width, raster.width, width);
  const std::vector<Taps> down = MakeTaps(box.y, box.height, raster.height, height);
  const uint8_t* pixels = raster.pixels.data();
  const int channels = raster.channels;
  // The order with the smaller picture in between: never more pixels than the larger of the two at its ends.
  if (int64_t{raster.height} * width <= int64_t{height} * raster.width) {
    const std::vector<float> rows = ResampleRows(pixels, raster.height, raster.width, channels, across);
    return ResampleColumns(rows.data(), across.size() * static_cast<size_t>(channels), down);
  }
  const size_t line = static_cast<size_t>(raster.width) * static_cast<size_t>(channels);
  const std::vector<float> columns = ResampleColumns(pixels, line, down);
  return ResampleRows(columns.data(), height, raster.width, channels, across);
}

}  // namespace beak
