#include "engine/job/check_transform.h"

#include <algorithm>
#include <cmath>

#include "engine/data/random_rect.h"
#include "engine/job/data_transforms.h"
#include "proto/beak/v1/dataset.pb.h"

namespace beak {
namespace {

using Kind = v1::Transform::KindCase;

constexpr int kMaxTogether = 16;  // fields that are changed in the same way

void CheckSize(const FieldPlace& at, int64_t height, int64_t width, int64_t least) {
  const std::string expected = absl::StrCat("at least ", least);
  at.At("height").Expect(height >= least, expected, height);
  at.At("width").Expect(width >= least, expected, width);
  if (height < 0 || width < 0) return;
  at.Expect(height * width <= limits::kMaxImagePixels, absl::StrCat("at most ", limits::kMaxImagePixels, " pixels"),
            absl::StrCat(height, " x ", width));
}

// The smaller and the larger end of a range within [low, high].
void CheckEnds(const FieldPlace& at, const std::string& what, double least, double most, double low, double high) {
  at.At("min_" + what).ExpectIn(least, low, high);
  at.At("max_" + what).ExpectIn(most, least >= low && least <= high ? least : low, high);
}

template <typename Options>
void CheckRect(const FieldPlace& at, const Options& options) {
  CheckEnds(at, "area", options.min_area, options.max_area, 0, 1);
  CheckEnds(at, "ratio", options.min_ratio, options.max_ratio, data::kMinRatio, data::kMaxRatio);
}

void CheckFill(const FieldPlace& at, const std::vector<float>& fill) {
  const bool finite = std::ranges::all_of(fill, [](float value) { return std::isfinite(value); });
  at.At("fill").Expect(finite, "finite numbers", "others");
}

void CheckKind(const FieldPlace& at, const v1::Resize& resize) {
  CheckSize(at, resize.height(), resize.width(), 1);
  const double kept = OptionsOf(resize).kept;
  at.At("kept").Expect(kept > 0 && kept <= 1, "a number above 0, at most 1", kept);
}

void CheckKind(const FieldPlace& at, const v1::RandomResizedCrop& crop) {
  CheckSize(at, crop.height(), crop.width(), 1);
  CheckRect(at, OptionsOf(crop));
}

void CheckKind(const FieldPlace& at, const v1::RandomCrop& crop) {
  CheckSize(at, crop.height(), crop.width(), 0);
  const int padding = OptionsOf(crop).padding;
  at.At("padding").Expect(padding >= 0, "at least 0", padding);
}

void CheckKind(const FieldPlace& at, const v1::RandomFlip& flip) {
  at.At("horizontal").ExpectIn(OptionsOf(flip).horizontal, 0, 1);
  at.At("vertical").ExpectIn(flip.vertical(), 0, 1);
}

void CheckKind(const FieldPlace& at, const v1::ColorJitter& jitter) {
  at.At("brightness").ExpectIn(jitter.brightness(), 0, data::kMaxJitter);
  at.At("contrast").ExpectIn(jitter.contrast(), 0, data::kMaxJitter);
  at.At("saturation").ExpectIn(jitter.saturation(), 0, data::kMaxJitter);
  at.At("hue").ExpectIn(jitter.hue(), 0, 0.5);
}

void CheckKind(const FieldPlace& at, const v1::RandomErasing& erasing) {
  const data::RandomErasingOptions options = OptionsOf(erasing);
  at.At("probability").ExpectIn(options.probability, 0, 1);
  CheckRect(at, options);
  CheckFill(at, options.fill);
}

void CheckKind(const FieldPlace& at, const v1::Cutout& cutout) {
  const data::CutoutOptions options = OptionsOf(cutout);
  at.At("size").Expect(options.size >= 1, "at least 1", options.size);
  CheckFill(at, options.fill);
}

// `at` is the kind's own place.
void CheckParameters(const FieldPlace& at, const v1::Transform& transform) {
  switch (transform.kind_case()) {
    case Kind::kResize:
      return CheckKind(at, transform.resize());
    case Kind::kRandomResizedCrop:
      return CheckKind(at, transform.random_resized_crop());
    case Kind::kRandomCrop:
      return CheckKind(at, transform.random_crop());
    case Kind::kRandomFlip:
      return CheckKind(at, transform.random_flip());
    case Kind::kRandomRotation:
      return at.At("degrees").ExpectIn(OptionsOf(transform.random_rotation()).degrees, 0, 180);
    case Kind::kColorJitter:
      return CheckKind(at, transform.color_jitter());
    case Kind::kRandomErasing:
      return CheckKind(at, transform.random_erasing());
    case Kind::kCutout:
      return CheckKind(at, transform.cutout());
    case Kind::kToPlanes:
    case Kind::kConvertTo:
    case Kind::KIND_NOT_SET:
      return;
  }
}

// `known` are the fields of the samples; empty where nobody knows them.
void CheckFields(const FieldPlace& at, const v1::Transform& transform, const std::vector<std::string>& known) {
  const Kind kind = transform.kind_case();
  const bool several = kind == Kind::kRandomCrop || kind == Kind::kRandomFlip || kind == Kind::kRandomRotation;
  if (!CheckCount(at.At("field"), transform.field_size(), 0, several ? kMaxTogether : 1)) return;
  CheckUnique(at, "field", transform.field());
  for (const std::string& field : FieldsOf(transform)) {
    if (known.empty() || field.empty()) continue;
    at.At("field").Expect(std::ranges::count(known, field) > 0, JoinQuoted(known, " or "),
                          network_format::Quoted(field));
  }
}

}  // namespace

void CheckTransform(const FieldPlace& at, const v1::Transform& transform, const std::vector<std::string>& known) {
  if (transform.kind_case() == Kind::KIND_NOT_SET) return at.Expect(false, "something to do", "nothing");
  CheckFields(at, transform, known);
  CheckParameters(at.At(KindOf(transform)), transform);
}

}  // namespace beak
