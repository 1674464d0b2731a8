#include "engine/data/color.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace beak::data {
namespace {

constexpr float kMax = 255;

float Blend(float value, float other, float factor) {
  return std::clamp(factor * value + (1 - factor) * other, 0.0f, kMax);
}

// The three planes of a picture.
struct Rgb {
  explicit Rgb(Tensor& planes)
      : area(planes.shape()[1] * planes.shape()[2]),
        red(planes.mutable_values<float>().data()),
        green(red + area),
        blue(green + area) {}

  float Gray(int64_t i) const { return 0.2989f * red[i] + 0.587f * green[i] + 0.114f * blue[i]; }

  int64_t area;
  float* red;
  float* green;
  float* blue;
};

bool HasColor(const Tensor& planes) { return planes.shape()[0] == 3; }

struct Hsv {
  float hue;  // in [0, 1)
  float saturation;
  float value;
};

Hsv ToHsv(float red, float green, float blue) {
  const float most = std::max({red, green, blue});
  const float least = std::min({red, green, blue});
  const float range = most - least;
  if (range == 0) return {0, 0, most};
  float sixths;
  if (most == red) {
    sixths = (green - blue) / range;
  } else if (most == green) {
    sixths = 2 + (blue - red) / range;
  } else {
    sixths = 4 + (red - green) / range;
  }
  return {std::fmod(sixths / 6 + 1, 1.0f), range / most, most};
}

void FromHsv(const Hsv& hsv, float& red, float& green, float& blue) {
  const float sixths = hsv.hue * 6;
  const float sector = std::floor(sixths);
  const float rest = sixths - sector;
  const float v = hsv.value;
  const float p = v * (1 - hsv.saturation);
  const float q = v * (1 - hsv.saturation * rest);
  const float t = v * (1 - hsv.saturation * (1 - rest));
  const float colors[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  const float(&color)[3] = colors[static_cast<int>(sector) % 6];
  red = color[0];
  green = color[1];
  blue = color[2];
}

}  // namespace

void AdjustBrightness(Tensor& planes, float factor) {
  for (float& value : planes.mutable_values<float>()) value = Blend(value, 0, factor);
}

void AdjustContrast(Tensor& planes, float factor) {
  double sum = 0;
  int64_t count = planes.num_elements();
  if (HasColor(planes)) {
    const Rgb rgb(planes);
    count = rgb.area;
    for (int64_t i = 0; i < rgb.area; ++i) sum += rgb.Gray(i);
  } else {
    for (const float value : planes.values<float>()) sum += value;
  }
  const float mean = count > 0 ? static_cast<float>(sum / static_cast<double>(count)) : 0;
  for (float& value : planes.mutable_values<float>()) value = Blend(value, mean, factor);
}

void AdjustSaturation(Tensor& planes, float factor) {
  if (!HasColor(planes)) return;
  const Rgb rgb(planes);
  for (int64_t i = 0; i < rgb.area; ++i) {
    const float gray = rgb.Gray(i);
    for (float* plane : {rgb.red, rgb.green, rgb.blue}) plane[i] = Blend(plane[i], gray, factor);
  }
}

void AdjustHue(Tensor& planes, float turn) {
  if (!HasColor(planes)) return;
  const Rgb rgb(planes);
  for (int64_t i = 0; i < rgb.area; ++i) {
    Hsv hsv = ToHsv(rgb.red[i], rgb.green[i], rgb.blue[i]);
    hsv.hue += turn;
    hsv.hue -= std::floor(hsv.hue);
    FromHsv(hsv, rgb.red[i], rgb.green[i], rgb.blue[i]);
  }
}

}  // namespace beak::data
