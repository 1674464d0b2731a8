#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/data/augment.h"
#include "engine/data/decode.h"
#include "engine/data/pipeline.h"
#include "engine/data/schema.h"

namespace beak {

namespace v1 {
class ColorJitter;
class Cutout;
class DataSet;
class RandomCrop;
class RandomErasing;
class RandomFlip;
class RandomResizedCrop;
class RandomRotation;
class Resize;
class Transform;
}  // namespace v1

// A transform's parameters as engine/data has them, defaults filled in; its fields are not among them. Pure.
data::ResizeOptions OptionsOf(const v1::Resize& description);
data::RandomResizedCropOptions OptionsOf(const v1::RandomResizedCrop& description);
data::RandomCropOptions OptionsOf(const v1::RandomCrop& description);
data::RandomFlipOptions OptionsOf(const v1::RandomFlip& description);
data::RandomRotationOptions OptionsOf(const v1::RandomRotation& description);
data::ColorJitterOptions OptionsOf(const v1::ColorJitter& description);
data::RandomErasingOptions OptionsOf(const v1::RandomErasing& description);
data::CutoutOptions OptionsOf(const v1::Cutout& description);

// "random_crop"; "" where it is not said what is to be done.
std::string KindOf(const v1::Transform& description);

// The fields that it changes, the default filled in.
std::vector<std::string> FieldsOf(const v1::Transform& description);

// What is done to the samples of a data set. Errors of the transforms begin with the description's place
// ("data.augment[2].random_crop: ..."). A value type.
struct DataTransforms {
  std::vector<data::Transform> prepare;
  // The training samples' own: `prepare`, then what augments. Where that takes pictures of bytes (to_planes, resize or
  // random_resized_crop), what `prepare` makes of them is left out for that field.
  std::vector<data::Transform> augmented;
};

// For samples of this schema. Where the description has none: fields of `index_fields` become int64, pictures planes,
// other numbers float32, and classes stay as they are. REQUIRES: a description that CheckDataSet accepts.
DataTransforms MakeTransforms(const v1::DataSet& description, const data::Schema& schema,
                              const std::set<std::string>& index_fields);

}  // namespace beak
