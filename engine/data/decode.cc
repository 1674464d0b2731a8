#include "engine/data/decode.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "engine/base/status.h"
#include "engine/data/random_rect.h"
#include "engine/io/resample.h"

namespace beak::data {
namespace {

absl::Status NoPicture(const Field& field, const std::string& expected) {
  return absl::InvalidArgumentError(absl::StrCat("field '", field.name, "': expected ", expected, ", got ",
                                                 NameOf(field.dtype), " ", ToString(field.shape)));
}

absl::Status CheckPicture(const Field& field) {
  const bool rank = field.shape.size() == 2 || field.shape.size() == 3;
  if (field.dtype == DType::kUint8 && rank) return absl::OkStatus();
  return NoPicture(field, "a picture, uint8 [height, width, channels] or [height, width]");
}

Dim ChannelsOf(const Field& field) { return field.shape.size() == 2 ? Dim(1) : field.shape[2]; }

// A stage that turns field `number` into float32 [channels, height, width].
Stage MakeStage(Schema schema, size_t number, Dim channels, Dim height, Dim width,
                std::function<absl::StatusOr<Tensor>(const Tensor&, Rng&)> convert) {
  schema.fields[number].dtype = DType::kFloat32;
  schema.fields[number].shape = {channels, height, width};
  const auto apply = [number, convert = std::move(convert)](Sample& sample, Rng& rng) -> absl::Status {
    ASSIGN_OR_RETURN(sample[number], convert(sample[number], rng));
    return absl::OkStatus();
  };
  return {std::move(schema), apply};
}

// Planes of pixels that are stored one after the other.
template <typename T>
absl::StatusOr<Tensor> Deinterleave(const T* in, int64_t channels, int64_t height, int64_t width) {
  const int64_t area = height * width;
  ASSIGN_OR_RETURN(Tensor planes, Tensor::Create(DType::kFloat32, {channels, height, width}));
  float* out = planes.mutable_values<float>().data();
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < area; ++i) *out++ = in[i * channels + c];
  }
  return planes;
}

Raster ToRaster(const Tensor& pixels) {
  const std::span<const uint8_t> values = pixels.values<uint8_t>();
  return {static_cast<int>(pixels.shape()[1]),
          static_cast<int>(pixels.shape()[0]),
          pixels.rank() == 2 ? 1 : static_cast<int>(pixels.shape()[2]),
          {values.begin(), values.end()}};
}

// Where pictures of any size become ones of `height` x `width`.
absl::StatusOr<Stage> ResizingStage(const Schema& in, const std::string& field, int height, int width,
                                    std::function<absl::StatusOr<Tensor>(const Raster&, Rng&)> resize) {
  ASSIGN_OR_RETURN(const size_t number, FindField(in, field));
  const Field& picture = in.fields[number];
  RETURN_IF_ERROR(CheckPicture(picture));
  const Dim channels = ChannelsOf(picture);
  if (!channels.known() || (channels.value() != 1 && channels.value() != 3)) {
    return NoPicture(picture, "pictures of 1 or 3 channels");
  }
  RETURN_IF_ERROR(Annotate(CheckImageSize(width, height), "resize"));
  const auto convert = [resize = std::move(resize)](const Tensor& pixels, Rng& rng) -> absl::StatusOr<Tensor> {
    RETURN_IF_ERROR(CheckImageSize(pixels.shape()[1], pixels.shape()[0]));
    return resize(ToRaster(pixels), rng);
  };
  return MakeStage(in, number, channels, height, width, convert);
}

// The whole fit of a raster that is brought to a size as it is.
ImageFit FitOf(const Raster& raster, const ResizeOptions& options) {
  ImageFit fit;
  fit.height = options.height;
  fit.width = options.width;
  fit.resize = options.mode;
  fit.kept = options.kept;
  fit.channels = raster.channels == 1 ? ChannelOrder::kGray : ChannelOrder::kRgb;
  return fit;
}

// As much of the middle as has one of the ratios allowed.
Rect MiddleRect(int64_t height, int64_t width, const RandomResizedCropOptions& options) {
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  Rect rect = {0, 0, height, width};
  if (ratio < options.min_ratio) {
    rect.height = std::llround(static_cast<double>(width) / options.min_ratio);
  } else if (ratio > options.max_ratio) {
    rect.width = std::llround(static_cast<double>(height) * options.max_ratio);
  }
  rect.height = std::clamp<int64_t>(rect.height, 1, height);
  rect.width = std::clamp<int64_t>(rect.width, 1, width);
  rect.y = (height - rect.height) / 2;
  rect.x = (width - rect.width) / 2;
  return rect;
}

absl::StatusOr<Tensor> CropAndResize(const Raster& raster, const Rect& rect, int height, int width) {
  const Box box = {static_cast<double>(rect.x), static_cast<double>(rect.y), static_cast<double>(rect.width),
                   static_cast<double>(rect.height)};
  const std::vector<float> pixels = Resample(raster, box, width, height);
  return Deinterleave(pixels.data(), raster.channels, height, width);
}

}  // namespace

Transform ConvertTo(DType dtype, std::string field) {
  return [dtype, field = std::move(field)](const Schema& in) -> absl::StatusOr<Stage> {
    ASSIGN_OR_RETURN(const size_t number, FindField(in, field));
    Schema out = in;
    out.fields[number].dtype = dtype;
    return Stage{std::move(out), [dtype, number](Sample& sample, Rng&) -> absl::Status {
                   ASSIGN_OR_RETURN(sample[number], CastTo(sample[number], dtype));
                   return absl::OkStatus();
                 }};
  };
}

Transform ToPlanes(std::string field, ImageLayout layout) {
  return [layout, field = std::move(field)](const Schema& in) -> absl::StatusOr<Stage> {
    ASSIGN_OR_RETURN(const size_t number, FindField(in, field));
    const Field& picture = in.fields[number];
    RETURN_IF_ERROR(CheckPicture(picture));
    if (!IsStatic(picture.shape)) return NoPicture(picture, "pictures of one size, or a resize before this");
    const PartialShape& shape = picture.shape;
    if (layout == ImageLayout::kNchw && shape.size() == 3) {
      return MakeStage(in, number, shape[0], shape[1], shape[2],
                       [](const Tensor& planes, Rng&) { return CastTo(planes, DType::kFloat32); });
    }
    return MakeStage(in, number, ChannelsOf(picture), shape[0], shape[1], [](const Tensor& pixels, Rng&) {
      const Shape& size = pixels.shape();
      return Deinterleave(pixels.values<uint8_t>().data(), size.size() == 2 ? 1 : size[2], size[0], size[1]);
    });
  };
}

Transform Resize(const ResizeOptions& options, std::string field) {
  return [options, field = std::move(field)](const Schema& in) -> absl::StatusOr<Stage> {
    if (!(options.kept > 0 && options.kept <= 1)) {
      return absl::InvalidArgumentError(absl::StrCat("resize: expected to keep a part in (0, 1], got ", options.kept));
    }
    return ResizingStage(in, field, options.height, options.width,
                         [options](const Raster& raster, Rng&) { return FitImage(raster, FitOf(raster, options)); });
  };
}

Transform RandomResizedCrop(const RandomResizedCropOptions& options, std::string field) {
  return [options, field = std::move(field)](const Schema& in) -> absl::StatusOr<Stage> {
    const RectRange range = {options.min_area, options.max_area, options.min_ratio, options.max_ratio};
    RETURN_IF_ERROR(Annotate(CheckRange(range), "random resized crop"));
    return ResizingStage(in, field, options.height, options.width, [options, range](const Raster& raster, Rng& rng) {
      const std::optional<Rect> drawn = DrawRect(raster.height, raster.width, range, rng);
      const Rect rect = drawn ? *drawn : MiddleRect(raster.height, raster.width, options);
      return CropAndResize(raster, rect, options.height, options.width);
    });
  };
}

}  // namespace beak::data
