#include "absl/strings/str_cat.h"
#include "engine/data/schema.h"
#include "engine/job/check_place.h"
#include "engine/job/check_transform.h"
#include "engine/job/data_transforms.h"
#include "engine/job/job_spec.h"
#include "engine/job/unknown_enums.h"
#include "proto/beak/v1/dataset.pb.h"

namespace beak {
namespace {

using Kind = v1::Transform::KindCase;

// More than anybody has, and few enough to compare all with all.
constexpr int kMaxFields = 256;
constexpr int kMaxFiles = 10'000;
constexpr int kMaxTransforms = 64;

void CheckClasses(const FieldPlace& at, const v1::Classes& classes) {
  const auto in_range = [](int64_t count) { return count >= 0 && count <= data::kMaxClasses; };
  const std::string range = absl::StrCat("0 to ", data::kMaxClasses);
  at.At("count").Expect(in_range(classes.count()), range, classes.count());
  at.At("name").Expect(in_range(classes.name_size()), absl::StrCat(range, " names"), classes.name_size());
  if (classes.count() > 0 && !classes.name().empty()) {
    at.At("name").Expect(classes.name_size() == classes.count(), absl::StrCat(classes.count(), " names, one a class"),
                         classes.name_size());
  }
  CheckUnique(at, "name", classes.name());
}

void CheckArrays(const FieldPlace& at, const v1::Arrays& arrays) {
  if (!CheckCount(at.At("field"), arrays.field_size(), 1, kMaxFields)) return;
  UniqueNames names;
  for (int i = 0; i < arrays.field_size(); ++i) {
    const FieldPlace field = at.At("field", i);
    names.Add(field.At("name"), arrays.field(i).name());
    CheckText(field.At("file"), arrays.field(i).file());
    CheckClasses(field.At("classes"), arrays.field(i).classes());
  }
}

void CheckCifar10(const FieldPlace& at, const v1::Cifar10& cifar10) {
  if (!CheckCount(at.At("file"), cifar10.file_size(), 1, kMaxFiles)) return;
  for (int i = 0; i < cifar10.file_size(); ++i) CheckText(at.At("file", i), cifar10.file(i));
}

void CheckImageFolder(const FieldPlace& at, const v1::ImageFolder& folder) {
  CheckText(at.At("path"), folder.path());
  const int channels = folder.has_channels() ? folder.channels() : 3;
  at.At("channels").Expect(channels == 1 || channels == 3, "1 or 3", channels);
  CheckUnique(at, "class_name", folder.class_name());
}

void CheckCsv(const FieldPlace& at, const v1::Csv& csv) {
  CheckText(at.At("file"), csv.file());
  if (!CheckCount(at.At("field"), csv.field_size(), 1, kMaxFields)) return;
  UniqueNames names;
  for (int i = 0; i < csv.field_size(); ++i) {
    const v1::Csv::Field& field = csv.field(i);
    const FieldPlace place = at.At("field", i);
    names.Add(place.At("name"), field.name());
    place.At("column").Expect(!field.has_classes() || field.column_size() <= 1, "one, for it is a field of classes",
                              field.column_size());
    CheckClasses(place.At("classes"), field.classes());
  }
  const std::string& separator = csv.separator();
  const bool usable = separator.size() == 1 && separator.find_first_of("\"\r\n") == std::string::npos;
  at.At("separator")
      .Expect(separator.empty() || usable, "one character, no quote and no end of a line",
              absl::StrCat(separator.size(), " bytes that are not that"));
}

void CheckSource(const FieldPlace& at, const v1::Source& source) {
  switch (source.kind_case()) {
    case v1::Source::kArrays:
      return CheckArrays(at.At("arrays"), source.arrays());
    case v1::Source::kCifar10:
      return CheckCifar10(at.At("cifar10"), source.cifar10());
    case v1::Source::kImageFolder:
      return CheckImageFolder(at.At("image_folder"), source.image_folder());
    case v1::Source::kCsv:
      return CheckCsv(at.At("csv"), source.csv());
    case v1::Source::KIND_NOT_SET:
      return at.Expect(false, "arrays, cifar10, image_folder or csv", "none");
  }
}

// The fields that a source's samples have; none where the description does not say.
std::vector<std::string> FieldNamesOf(const v1::Source& source) {
  std::vector<std::string> names;
  for (const v1::Arrays::Field& field : source.arrays().field()) names.push_back(field.name());
  for (const v1::Csv::Field& field : source.csv().field()) names.push_back(field.name());
  if (source.has_cifar10() || source.has_image_folder()) names = {"image", "label"};
  if (names.size() > kMaxFields) names.clear();
  return names;
}

bool HasChance(const v1::Transform& transform) {
  const Kind kind = transform.kind_case();
  return kind != Kind::kToPlanes && kind != Kind::kConvertTo && kind != Kind::kResize && kind != Kind::KIND_NOT_SET;
}

void CheckTransforms(const FieldPlace& at, const v1::DataSet& data) {
  const std::vector<std::string> known = FieldNamesOf(data.training());
  const bool prepare = CheckCount(at.At("prepare"), data.prepare_size(), 0, kMaxTransforms);
  for (int i = 0; prepare && i < data.prepare_size(); ++i) {
    const FieldPlace place = at.At("prepare", i);
    CheckTransform(place, data.prepare(i), known);
    place.Expect(!HasChance(data.prepare(i)), "to_planes, convert_to or resize, nothing with chance in it",
                 KindOf(data.prepare(i)));
  }
  const bool augment = CheckCount(at.At("augment"), data.augment_size(), 0, kMaxTransforms);
  for (int i = 0; augment && i < data.augment_size(); ++i) CheckTransform(at.At("augment", i), data.augment(i), known);
}

void CheckHeldOut(const FieldPlace& at, const v1::DataSet& data) {
  if (data.has_hold_out()) {
    const double fraction = data.hold_out().fraction();
    at.At("hold_out").At("fraction").Expect(fraction > 0 && fraction < 1, "a number above 0 and below 1", fraction);
  }
  if (!data.has_held_out()) return;
  CheckSource(at.At("held_out"), data.held_out());
  const std::vector<std::string> expected = FieldNamesOf(data.training());
  const std::vector<std::string> got = FieldNamesOf(data.held_out());
  at.At("held_out")
      .Expect(expected.empty() || got.empty() || expected == got,
              absl::StrCat("the fields ", JoinQuoted(expected, ", "), " as data.training has"), JoinQuoted(got, ", "));
}

}  // namespace

std::vector<std::string> CheckDataSet(const v1::DataSet& data) {
  std::vector<std::string> lines;
  const FieldPlace at("data", lines);
  CheckSource(at.At("training"), data.training());
  CheckHeldOut(at, data);
  CheckTransforms(at, data);
  FindUnknownEnums(data, "data", lines);
  return lines;
}

}  // namespace beak
