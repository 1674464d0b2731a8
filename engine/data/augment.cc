#include "engine/data/augment.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/status.h"
#include "engine/data/color.h"
#include "engine/data/random_rect.h"
#include "engine/io/image.h"

namespace beak::data {
namespace {

// Something done to planes whose random decisions were made.
using Change = std::function<absl::Status(Tensor& planes, Interpolation interpolation)>;
// Makes them, for pictures of this size.
using DrawChange = std::function<Change(int64_t height, int64_t width, Rng& rng)>;

struct Target {
  size_t number;
  Interpolation interpolation;
};

absl::Status Bad(const std::string& name, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
}

absl::Status CheckProbability(const std::string& name, double probability) {
  if (probability >= 0 && probability <= 1) return absl::OkStatus();
  return Bad(name, absl::StrCat("expected a probability in [0, 1], got ", probability));
}

// Where the fields are, all of them planes of one height and width.
absl::StatusOr<std::vector<Target>> FindTargets(const std::string& name, const Schema& in,
                                                const std::vector<ImageField>& fields) {
  if (fields.empty()) return Bad(name, "expected at least one field, got none");
  std::vector<Target> targets;
  for (const ImageField& wanted : fields) {
    const absl::StatusOr<size_t> number = FindField(in, wanted.name);
    if (!number.ok()) return Annotate(number.status(), name);
    const Field& field = in.fields[*number];
    RETURN_IF_ERROR(Annotate(CheckPlanes(field), name));
    targets.push_back({*number, wanted.interpolation});
    const PartialShape& first = in.fields[targets[0].number].shape;
    if (!field.shape[1].Same(first[1]) || !field.shape[2].Same(first[2])) {
      return Bad(name, absl::StrCat("field '", field.name, "': expected the size of ", ToString(first), ", got ",
                                    ToString(field.shape)));
    }
  }
  return targets;
}

// Draws once for a sample and changes all of its targets; `out` is the schema then.
Stage MakeStage(Schema out, std::vector<Target> targets, DrawChange draw) {
  const auto apply = [targets = std::move(targets), draw = std::move(draw)](Sample& sample, Rng& rng) -> absl::Status {
    const Shape& shape = sample[targets[0].number].shape();
    const Change change = draw(shape[1], shape[2], rng);
    for (const Target& target : targets) RETURN_IF_ERROR(change(sample[target.number], target.interpolation));
    return absl::OkStatus();
  };
  return {std::move(out), apply};
}

// A transform that leaves the size as it is.
absl::StatusOr<Stage> InPlaceStage(const std::string& name, const Schema& in, const std::vector<ImageField>& fields,
                                   DrawChange draw) {
  ASSIGN_OR_RETURN(std::vector<Target> targets, FindTargets(name, in, fields));
  return MakeStage(in, std::move(targets), std::move(draw));
}

// Draws a rectangle, or none, and fills it. `fill` is one value a channel, or empty.
absl::StatusOr<Stage> FillingStage(const std::string& name, const Schema& in, const std::string& field,
                                   std::vector<float> fill,
                                   std::function<std::optional<Rect>(int64_t, int64_t, Rng&)> draw) {
  ASSIGN_OR_RETURN(std::vector<Target> targets, FindTargets(name, in, {{field}}));
  const int64_t channels = in.fields[targets[0].number].shape[0].value();
  if (!fill.empty() && static_cast<int64_t>(fill.size()) != channels) {
    return Bad(name,
               absl::StrCat("expected a value to fill with for each of ", channels, " channels, got ", fill.size()));
  }
  return MakeStage(in, std::move(targets),
                   [fill = std::move(fill), draw = std::move(draw)](int64_t height, int64_t width, Rng& rng) -> Change {
                     const std::optional<Rect> rect = draw(height, width, rng);
                     return [fill, rect](Tensor& planes, Interpolation) {
                       if (rect) Fill(planes, *rect, fill);
                       return absl::OkStatus();
                     };
                   });
}

double DrawFactor(double spread, Rng& rng) { return rng.Uniform(std::max(0.0, 1 - spread), 1 + spread); }

// One kind of jitter with its factor drawn.
struct Jitter {
  void (*adjust)(Tensor& planes, float factor);
  float factor;
};

std::vector<Jitter> DrawJitters(const ColorJitterOptions& options, Rng& rng) {
  std::vector<Jitter> jitters = {
      {AdjustBrightness, static_cast<float>(DrawFactor(options.brightness, rng))},
      {AdjustContrast, static_cast<float>(DrawFactor(options.contrast, rng))},
      {AdjustSaturation, static_cast<float>(DrawFactor(options.saturation, rng))},
      {AdjustHue, static_cast<float>(rng.Uniform(-options.hue, options.hue))},
  };
  rng.Shuffle(std::span<Jitter>(jitters));
  // What is off does nothing, not even round.
  const auto off = [&](const Jitter& jitter) { return jitter.factor == (jitter.adjust == AdjustHue ? 0 : 1); };
  std::erase_if(jitters, off);
  return jitters;
}

}  // namespace

Transform RandomCrop(const RandomCropOptions& options) {
  return [options](const Schema& in) -> absl::StatusOr<Stage> {
    const std::string name = "random crop";
    ASSIGN_OR_RETURN(std::vector<Target> targets, FindTargets(name, in, options.fields));
    const PartialShape& shape = in.fields[targets[0].number].shape;
    const int64_t height = options.height == 0 ? shape[1].value() : options.height;
    const int64_t width = options.width == 0 ? shape[2].value() : options.width;
    const int64_t padding = options.padding;
    RETURN_IF_ERROR(Annotate(CheckImageSize(width, height), name));
    const int64_t down = shape[1].value() + 2 * padding - height;
    const int64_t across = shape[2].value() + 2 * padding - width;
    if (padding < 0 || down < 0 || across < 0) {
      return Bad(name, absl::StrCat("expected ", height, " x ", width, " to fit into ", ToString(shape), " with ",
                                    padding, " more on each side"));
    }
    Schema out = in;
    for (const Target& target : targets) {
      out.fields[target.number].shape[1] = height;
      out.fields[target.number].shape[2] = width;
    }
    return MakeStage(std::move(out), std::move(targets), [=](int64_t, int64_t, Rng& rng) -> Change {
      const int64_t y = DrawOffset(down, rng) - padding;
      const int64_t x = DrawOffset(across, rng) - padding;
      return [=](Tensor& planes, Interpolation) -> absl::Status {
        ASSIGN_OR_RETURN(planes, Crop(planes, {y, x, height, width}));
        return absl::OkStatus();
      };
    });
  };
}

Transform RandomFlip(const RandomFlipOptions& options) {
  return [options](const Schema& in) -> absl::StatusOr<Stage> {
    const std::string name = "random flip";
    RETURN_IF_ERROR(CheckProbability(name, options.horizontal));
    RETURN_IF_ERROR(CheckProbability(name, options.vertical));
    return InPlaceStage(name, in, options.fields, [options](int64_t, int64_t, Rng& rng) -> Change {
      const bool horizontal = rng.Bernoulli(options.horizontal);
      const bool vertical = rng.Bernoulli(options.vertical);
      return [=](Tensor& planes, Interpolation) {
        if (horizontal) FlipHorizontally(planes);
        if (vertical) FlipVertically(planes);
        return absl::OkStatus();
      };
    });
  };
}

Transform RandomRotation(const RandomRotationOptions& options) {
  return [options](const Schema& in) -> absl::StatusOr<Stage> {
    const std::string name = "random rotation";
    if (!(options.degrees >= 0 && options.degrees <= 180)) {
      return Bad(name, absl::StrCat("expected 0 to 180 degrees, got ", options.degrees));
    }
    return InPlaceStage(name, in, options.fields, [options](int64_t, int64_t, Rng& rng) -> Change {
      const double degrees = rng.Uniform(-options.degrees, options.degrees);
      return [degrees](Tensor& planes, Interpolation interpolation) -> absl::Status {
        ASSIGN_OR_RETURN(planes, Rotate(planes, degrees, interpolation));
        return absl::OkStatus();
      };
    });
  };
}

Transform ColorJitter(const ColorJitterOptions& options) {
  return [options](const Schema& in) -> absl::StatusOr<Stage> {
    const std::string name = "color jitter";
    const double least = std::min({options.brightness, options.contrast, options.saturation, options.hue});
    const double most = std::max({options.brightness, options.contrast, options.saturation});
    const bool numbers = !std::isnan(options.brightness + options.contrast + options.saturation + options.hue);
    if (!numbers || least < 0 || most > kMaxJitter || options.hue > 0.5) {
      return Bad(name, absl::StrCat("expected spreads of 0 to ", kMaxJitter, ", for the hue at most 0.5"));
    }
    ASSIGN_OR_RETURN(std::vector<Target> targets, FindTargets(name, in, {{options.field}}));
    const int64_t channels = in.fields[targets[0].number].shape[0].value();
    if (channels != 1 && channels != 3) return Bad(name, absl::StrCat("expected 1 or 3 channels, got ", channels));
    return MakeStage(in, std::move(targets), [options](int64_t, int64_t, Rng& rng) -> Change {
      return [jitters = DrawJitters(options, rng)](Tensor& planes, Interpolation) {
        for (const Jitter& jitter : jitters) jitter.adjust(planes, jitter.factor);
        return absl::OkStatus();
      };
    });
  };
}

Transform RandomErasing(const RandomErasingOptions& options) {
  return [options](const Schema& in) -> absl::StatusOr<Stage> {
    const std::string name = "random erasing";
    RETURN_IF_ERROR(CheckProbability(name, options.probability));
    RectRange range = {options.min_area, options.max_area, options.min_ratio, options.max_ratio};
    RETURN_IF_ERROR(Annotate(CheckRange(range), name));
    range.min_ratio = 1 / options.max_ratio;  // from height to width to width to height
    range.max_ratio = 1 / options.min_ratio;
    return FillingStage(name, in, options.field, options.fill,
                        [=](int64_t height, int64_t width, Rng& rng) -> std::optional<Rect> {
                          if (!rng.Bernoulli(options.probability)) return std::nullopt;
                          return DrawRect(height, width, range, rng);
                        });
  };
}

Transform Cutout(const CutoutOptions& options) {
  return [options](const Schema& in) -> absl::StatusOr<Stage> {
    const std::string name = "cutout";
    if (options.size < 1) return Bad(name, absl::StrCat("expected a size of 1 or more, got ", options.size));
    return FillingStage(name, in, options.field, options.fill,
                        [size = options.size](int64_t height, int64_t width, Rng& rng) -> std::optional<Rect> {
                          const int64_t y = DrawOffset(height - 1, rng);
                          const int64_t x = DrawOffset(width - 1, rng);
                          return Rect{y - size / 2, x - size / 2, size, size};
                        });
  };
}

}  // namespace beak::data
