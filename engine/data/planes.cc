#include "engine/data/planes.h"

#include <algorithm>
#include <cmath>

#include "engine/base/status.h"

namespace beak::data {
namespace {

// The part of [begin, begin + extent) that lies in [0, size).
struct Overlap {
  int64_t begin;
  int64_t end;

  Overlap(int64_t first, int64_t extent, int64_t size)
      : begin(std::clamp<int64_t>(first, 0, size)), end(std::clamp<int64_t>(first + extent, begin, size)) {}
};

float* Row(Tensor& planes, int64_t channel, int64_t y) {
  const Shape& shape = planes.shape();
  return planes.mutable_values<float>().data() + (channel * shape[1] + y) * shape[2];
}

// One channel of a picture, 0 outside.
struct Plane {
  const float* values;
  int64_t height;
  int64_t width;

  float At(int64_t y, int64_t x) const {
    return y >= 0 && y < height && x >= 0 && x < width ? values[y * width + x] : 0;
  }
  float Nearest(double y, double x) const { return At(std::llround(y), std::llround(x)); }
  float Bilinear(double y, double x) const {
    const int64_t top = static_cast<int64_t>(std::floor(y));
    const int64_t left = static_cast<int64_t>(std::floor(x));
    const float down = static_cast<float>(y - static_cast<double>(top));
    const float across = static_cast<float>(x - static_cast<double>(left));
    const float upper = At(top, left) * (1 - across) + At(top, left + 1) * across;
    const float lower = At(top + 1, left) * (1 - across) + At(top + 1, left + 1) * across;
    return upper * (1 - down) + lower * down;
  }
};

}  // namespace

absl::Status CheckPlanes(const Field& field) {
  const bool known = field.dtype == DType::kFloat32 && field.shape.size() == 3 && IsStatic(field.shape);
  if (known && NumElements(ToShape(field.shape)) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "field '", field.name, "': expected float32 planes of one size, [channels, height, width], none of them 0, got ",
      NameOf(field.dtype), " ", ToString(field.shape)));
}

absl::StatusOr<Tensor> Crop(const Tensor& planes, const Rect& rect) {
  const Shape& shape = planes.shape();
  ASSIGN_OR_RETURN(Tensor out, Tensor::Create(DType::kFloat32, {shape[0], rect.height, rect.width}));
  std::ranges::fill(out.mutable_values<float>(), 0.0f);
  const Overlap rows(rect.y, rect.height, shape[1]);
  const Overlap columns(rect.x, rect.width, shape[2]);
  const float* in = planes.values<float>().data();
  for (int64_t c = 0; c < shape[0]; ++c) {
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      const float* from = in + (c * shape[1] + y) * shape[2];
      std::copy(from + columns.begin, from + columns.end, Row(out, c, y - rect.y) + (columns.begin - rect.x));
    }
  }
  return out;
}

void FlipHorizontally(Tensor& planes) {
  const Shape shape = planes.shape();
  for (int64_t row = 0; row < shape[0] * shape[1]; ++row) {
    float* values = Row(planes, 0, row);
    std::reverse(values, values + shape[2]);
  }
}

void FlipVertically(Tensor& planes) {
  const Shape shape = planes.shape();
  for (int64_t c = 0; c < shape[0]; ++c) {
    for (int64_t y = 0; y < shape[1] / 2; ++y) {
      float* upper = Row(planes, c, y);
      std::swap_ranges(upper, upper + shape[2], Row(planes, c, shape[1] - 1 - y));
    }
  }
}

absl::StatusOr<Tensor> Rotate(const Tensor& planes, double degrees, Interpolation interpolation) {
  const Shape& shape = planes.shape();
  ASSIGN_OR_RETURN(Tensor out, Tensor::Create(DType::kFloat32, shape));
  const double radians = degrees * M_PI / 180;
  const double sine = std::sin(radians);
  const double cosine = std::cos(radians);
  const double middle_y = static_cast<double>(shape[1] - 1) / 2;
  const double middle_x = static_cast<double>(shape[2] - 1) / 2;
  float* to = out.mutable_values<float>().data();
  for (int64_t c = 0; c < shape[0]; ++c) {
    const Plane plane = {planes.values<float>().data() + c * shape[1] * shape[2], shape[1], shape[2]};
    for (int64_t y = 0; y < shape[1]; ++y) {
      for (int64_t x = 0; x < shape[2]; ++x) {
        // Where the output's pixel was: y points down, so that counter-clockwise is this way round.
        const double dy = static_cast<double>(y) - middle_y;
        const double dx = static_cast<double>(x) - middle_x;
        const double from_y = middle_y + sine * dx + cosine * dy;
        const double from_x = middle_x + cosine * dx - sine * dy;
        *to++ =
            interpolation == Interpolation::kNearest ? plane.Nearest(from_y, from_x) : plane.Bilinear(from_y, from_x);
      }
    }
  }
  return out;
}

void Fill(Tensor& planes, const Rect& rect, std::span<const float> values) {
  const Shape shape = planes.shape();
  const Overlap rows(rect.y, rect.height, shape[1]);
  const Overlap columns(rect.x, rect.width, shape[2]);
  for (int64_t c = 0; c < shape[0]; ++c) {
    const float value = values.empty() ? 0 : values[static_cast<size_t>(c)];
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      float* row = Row(planes, c, y);
      std::fill(row + columns.begin, row + columns.end, value);
    }
  }
}

}  // namespace beak::data
