#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/ops/window.h"

namespace beak {

// The elements of a window that lie inside the input, along one dimension, at one place of the output: those of index
// begin .. end of the window, at first + index * dilation of the input.
struct Taps {
  int64_t begin;
  int64_t end;
  int64_t first;
};

// A window over one, two or three spatial dimensions as one over three: what is missing in front are dimensions of one
// element. A value type.
struct Window3 {
  std::array<int64_t, 3> kernel{1, 1, 1};
  std::array<int64_t, 3> strides{1, 1, 1};
  std::array<int64_t, 3> dilations{1, 1, 1};
  std::array<int64_t, 3> pads_begin{0, 0, 0};
  std::array<int64_t, 3> pads_end{0, 0, 0};
  std::array<int64_t, 3> input{1, 1, 1};
  std::array<int64_t, 3> output{1, 1, 1};

  // `input` is the full shape. UNIMPLEMENTED for more than three spatial dimensions.
  static absl::StatusOr<Window3> From(const Window& window, const Shape& input) {
    if (window.rank() > 3) {
      return absl::UnimplementedError(
          absl::StrCat("window: expected at most 3 spatial dimensions, got ", window.rank()));
    }
    Window3 result;
    const size_t missing = 3 - window.rank();
    for (size_t i = 0; i < window.rank(); ++i) {
      result.kernel[missing + i] = window.kernel[i];
      result.strides[missing + i] = window.strides[i];
      result.dilations[missing + i] = window.dilations[i];
      result.pads_begin[missing + i] = window.pads_begin[i];
      result.pads_end[missing + i] = window.pads_end[i];
      result.input[missing + i] = input[2 + i];
      result.output[missing + i] = window.output[i];
    }
    return result;
  }

  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t input_size() const { return input[0] * input[1] * input[2]; }
  int64_t output_size() const { return output[0] * output[1] * output[2]; }

  // Of a forward window (convolution, pooling) at `position` of dimension d of the output.
  Taps TapsAt(size_t d, int64_t position) const {
    const int64_t first = position * strides[d] - pads_begin[d];
    const int64_t dilation = dilations[d];
    const int64_t begin = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
    const int64_t end = first >= input[d] ? 0 : (input[d] - 1 - first) / dilation + 1;
    return {std::min(begin, kernel[d]), std::min(end, kernel[d]), first};
  }

  // How many taps there lie inside the input and its padding.
  int64_t PaddedTapsAt(size_t d, int64_t position) const {
    const int64_t first = position * strides[d] - pads_begin[d];
    return std::clamp<int64_t>((input[d] + pads_end[d] - 1 - first) / dilations[d] + 1, 0, kernel[d]);
  }

  // The same of all dimensions at a place of the row-major output.
  int64_t PaddedTapsAtPlace(int64_t place) const {
    const int64_t row = place / output[2];
    return PaddedTapsAt(0, row / output[1]) * PaddedTapsAt(1, row % output[1]) * PaddedTapsAt(2, place % output[2]);
  }

  // Calls fn(place, {taps along each dimension}) for each output element in row-major order.
  template <typename Fn>
  void ForEachOutput(Fn&& fn) const {
    int64_t place = 0;
    for (int64_t z = 0; z < output[0]; ++z) {
      const Taps z_taps = TapsAt(0, z);
      for (int64_t y = 0; y < output[1]; ++y) {
        const Taps y_taps = TapsAt(1, y);
        for (int64_t x = 0; x < output[2]; ++x) fn(place++, std::array<Taps, 3>{z_taps, y_taps, TapsAt(2, x)});
      }
    }
  }

  // Calls fn(tap, element) for each tap inside the input: their places in the row-major window and input.
  template <typename Fn>
  void ForEachTap(const std::array<Taps, 3>& taps, Fn&& fn) const {
    for (int64_t z = taps[0].begin; z < taps[0].end; ++z) {
      const int64_t plane = (taps[0].first + z * dilations[0]) * input[1];
      for (int64_t y = taps[1].begin; y < taps[1].end; ++y) {
        const int64_t row = (plane + taps[1].first + y * dilations[1]) * input[2] + taps[2].first;
        const int64_t tap = (z * kernel[1] + y) * kernel[2];
        for (int64_t x = taps[2].begin; x < taps[2].end; ++x) fn(tap + x, row + x * dilations[2]);
      }
    }
  }
};

}  // namespace beak
