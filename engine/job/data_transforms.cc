#include "engine/job/data_transforms.h"

#include <utility>

#include "engine/base/status.h"
#include "proto/beak/v1/dataset.pb.h"

namespace beak {
namespace {

using Kind = v1::Transform::KindCase;

// A transform, and what errors call it.
struct Step {
  v1::Transform description;
  std::string place;
};

// The first field is a picture; what is changed with it are masks, whose values must not be mixed.
std::vector<data::ImageField> ImageFieldsOf(const v1::Transform& description) {
  std::vector<data::ImageField> fields;
  for (std::string& name : FieldsOf(description)) {
    const bool first = fields.empty();
    fields.push_back({std::move(name), first ? data::Interpolation::kBilinear : data::Interpolation::kNearest});
  }
  return fields;
}

template <typename Options>
Options OfFields(Options options, const v1::Transform& description) {
  options.fields = ImageFieldsOf(description);
  return options;
}

template <typename Options>
Options OfField(Options options, const v1::Transform& description) {
  options.field = FieldsOf(description)[0];
  return options;
}

data::Transform ToTransform(const v1::Transform& step) {
  const std::string field = FieldsOf(step)[0];
  switch (step.kind_case()) {
    case Kind::kToPlanes:
      return data::ToPlanes(field, step.to_planes().channels_first() ? ImageLayout::kNchw : ImageLayout::kNhwc);
    case Kind::kConvertTo:
      return data::ConvertTo(step.convert_to().data_type() == v1::ConvertTo::INT64 ? DType::kInt64 : DType::kFloat32,
                             field);
    case Kind::kResize:
      return data::Resize(OptionsOf(step.resize()), field);
    case Kind::kRandomResizedCrop:
      return data::RandomResizedCrop(OptionsOf(step.random_resized_crop()), field);
    case Kind::kRandomCrop:
      return data::RandomCrop(OfFields(OptionsOf(step.random_crop()), step));
    case Kind::kRandomFlip:
      return data::RandomFlip(OfFields(OptionsOf(step.random_flip()), step));
    case Kind::kRandomRotation:
      return data::RandomRotation(OfFields(OptionsOf(step.random_rotation()), step));
    case Kind::kColorJitter:
      return data::ColorJitter(OfField(OptionsOf(step.color_jitter()), step));
    case Kind::kRandomErasing:
      return data::RandomErasing(OfField(OptionsOf(step.random_erasing()), step));
    case Kind::kCutout:
      return data::Cutout(OfField(OptionsOf(step.cutout()), step));
    case Kind::KIND_NOT_SET:
      break;
  }
  return [](const data::Schema&) { return absl::InvalidArgumentError("expected something to do, got nothing"); };
}

// Whose errors begin with the step's place.
data::Transform ToNamedTransform(const Step& step) {
  return [place = step.place, transform = ToTransform(step.description)](const data::Schema& in) {
    absl::StatusOr<data::Stage> stage = transform(in);
    return stage.ok() ? std::move(stage) : Annotate(stage.status(), place);
  };
}

std::vector<data::Transform> ToNamedTransforms(const std::vector<Step>& steps) {
  std::vector<data::Transform> transforms;
  for (const Step& step : steps) transforms.push_back(ToNamedTransform(step));
  return transforms;
}

template <typename Transforms>
std::vector<Step> StepsOf(const Transforms& descriptions, const std::string& place) {
  std::vector<Step> steps;
  for (const v1::Transform& description : descriptions) {
    steps.push_back({description, absl::StrCat(place, "[", steps.size(), "].", KindOf(description))});
  }
  return steps;
}

// What is done to a field where the description says nothing; with no kind where that is nothing.
v1::Transform DefaultFor(const data::Field& field, bool is_index) {
  v1::Transform transform;
  transform.add_field(field.name);
  const bool picture = field.dtype == DType::kUint8 && (field.shape.size() == 2 || field.shape.size() == 3);
  if (field.num_classes > 0) return transform;
  if (is_index) {
    if (field.dtype != DType::kInt64) transform.mutable_convert_to()->set_data_type(v1::ConvertTo::INT64);
  } else if (picture) {
    // Where sizes differ there are no planes yet. Whoever opens the data says so.
    if (IsStatic(field.shape)) transform.mutable_to_planes();
  } else if (field.dtype != DType::kFloat32) {
    transform.mutable_convert_to()->set_data_type(v1::ConvertTo::FLOAT32);
  }
  return transform;
}

std::vector<Step> DefaultSteps(const data::Schema& schema, const std::set<std::string>& index_fields) {
  std::vector<Step> steps;
  for (const data::Field& field : schema.fields) {
    v1::Transform transform = DefaultFor(field, index_fields.count(field.name) > 0);
    if (transform.kind_case() != Kind::KIND_NOT_SET) steps.push_back({std::move(transform), "data.prepare"});
  }
  return steps;
}

// To planes, from the bytes of a picture.
bool Decodes(const v1::Transform& description) {
  const Kind kind = description.kind_case();
  return kind == Kind::kToPlanes || kind == Kind::kResize || kind == Kind::kRandomResizedCrop;
}

// `steps` without those that make planes of what `later` wants to have as bytes.
std::vector<Step> WithoutReplaced(std::vector<Step> steps, const std::vector<Step>& later) {
  std::set<std::string> replaced;
  for (const Step& step : later) {
    if (Decodes(step.description)) replaced.insert(FieldsOf(step.description)[0]);
  }
  std::erase_if(steps, [&](const Step& step) {
    return Decodes(step.description) && replaced.count(FieldsOf(step.description)[0]) > 0;
  });
  return steps;
}

}  // namespace

data::ResizeOptions OptionsOf(const v1::Resize& description) {
  data::ResizeOptions options = {description.height(), description.width()};
  options.mode = description.mode() == v1::Resize::PAD       ? ResizeMode::kFit
                 : description.mode() == v1::Resize::STRETCH ? ResizeMode::kStretch
                                                             : ResizeMode::kCrop;
  if (description.has_kept()) options.kept = description.kept();
  return options;
}

data::RandomResizedCropOptions OptionsOf(const v1::RandomResizedCrop& description) {
  data::RandomResizedCropOptions options = {description.height(), description.width()};
  if (description.has_min_area()) options.min_area = description.min_area();
  if (description.has_max_area()) options.max_area = description.max_area();
  if (description.has_min_ratio()) options.min_ratio = description.min_ratio();
  if (description.has_max_ratio()) options.max_ratio = description.max_ratio();
  return options;
}

data::RandomCropOptions OptionsOf(const v1::RandomCrop& description) {
  data::RandomCropOptions options = {description.height(), description.width()};
  if (description.has_padding()) options.padding = description.padding();
  return options;
}

data::RandomFlipOptions OptionsOf(const v1::RandomFlip& description) {
  data::RandomFlipOptions options;
  if (description.has_horizontal()) options.horizontal = description.horizontal();
  options.vertical = description.vertical();
  return options;
}

data::RandomRotationOptions OptionsOf(const v1::RandomRotation& description) {
  data::RandomRotationOptions options;
  if (description.has_degrees()) options.degrees = description.degrees();
  return options;
}

data::ColorJitterOptions OptionsOf(const v1::ColorJitter& description) {
  return {description.brightness(), description.contrast(), description.saturation(), description.hue()};
}

data::RandomErasingOptions OptionsOf(const v1::RandomErasing& description) {
  data::RandomErasingOptions options;
  if (description.has_probability()) options.probability = description.probability();
  if (description.has_min_area()) options.min_area = description.min_area();
  if (description.has_max_area()) options.max_area = description.max_area();
  if (description.has_min_ratio()) options.min_ratio = description.min_ratio();
  if (description.has_max_ratio()) options.max_ratio = description.max_ratio();
  options.fill = {description.fill().begin(), description.fill().end()};
  return options;
}

data::CutoutOptions OptionsOf(const v1::Cutout& description) {
  data::CutoutOptions options;
  if (description.has_size()) options.size = description.size();
  options.fill = {description.fill().begin(), description.fill().end()};
  return options;
}

std::string KindOf(const v1::Transform& description) {
  const auto* const field = v1::Transform::descriptor()->FindFieldByNumber(description.kind_case());
  return field == nullptr ? "" : std::string(field->name());
}

std::vector<std::string> FieldsOf(const v1::Transform& description) {
  if (description.field().empty()) return {"image"};
  return {description.field().begin(), description.field().end()};
}

DataTransforms MakeTransforms(const v1::DataSet& description, const data::Schema& schema,
                              const std::set<std::string>& index_fields) {
  const std::vector<Step> prepare = description.prepare().empty() ? DefaultSteps(schema, index_fields)
                                                                  : StepsOf(description.prepare(), "data.prepare");
  const std::vector<Step> augment = StepsOf(description.augment(), "data.augment");
  DataTransforms transforms;
  transforms.prepare = ToNamedTransforms(prepare);
  transforms.augmented = ToNamedTransforms(WithoutReplaced(prepare, augment));
  for (const Step& step : augment) transforms.augmented.push_back(ToNamedTransform(step));
  return transforms;
}

}  // namespace beak
