#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/data/random_rect.h"
#include "engine/data/schema.h"
#include "engine/job/data_transforms.h"
#include "engine/job/job_spec.h"
#include "engine/job/unknown_enums.h"
#include "proto/beak/v1/dataset.pb.h"

namespace beak {
namespace {

using Kind = v1::Transform::KindCase;

// A part of the description: what it is called in errors, and where these go.
class Place {
 public:
  Place(std::string name, std::vector<std::string>& lines) : name_(std::move(name)), lines_(lines) {}

  Place At(const std::string& field) const { return {absl::StrCat(name_, ".", field), lines_}; }
  Place At(const std::string& field, int i) const { return {absl::StrCat(name_, ".", field, "[", i, "]"), lines_}; }

  template <typename T>
  void Expect(bool condition, const std::string& expected, const T& got) const {
    if (!condition) lines_.push_back(absl::StrCat(name_, ": expected ", expected, ", got ", got));
  }
  // False for NaN too.
  void ExpectIn(double value, double low, double high) const {
    Expect(value >= low && value <= high, absl::StrCat("a number in [", low, ", ", high, "]"), value);
  }

 private:
  const std::string name_;
  std::vector<std::string>& lines_;
};

std::string Quoted(const std::string& text) { return absl::StrCat("'", text, "'"); }

// A name, a path: something that has to be there.
void CheckText(const Place& at, const std::string& text) {
  at.Expect(!text.empty(), "a text", "none");
  at.Expect(text.size() <= limits::kMaxNameBytes, absl::StrCat("at most ", limits::kMaxNameBytes, " bytes"),
            text.size());
}

// Names of which each may be there once.
class UniqueNames {
 public:
  void Add(const Place& at, const std::string& name) {
    CheckText(at, name);
    if (!names_.insert(name).second && !name.empty()) at.Expect(false, "each name once", Quoted(name) + " again");
  }

 private:
  std::set<std::string> names_;
};

template <typename Names>
void CheckUnique(const Place& at, const char* field, const Names& names) {
  UniqueNames unique;
  for (int i = 0; i < names.size(); ++i) unique.Add(at.At(field, i), names[i]);
}

// ---------------------------------------------------------------- sources

void CheckClasses(const Place& at, const v1::Classes& classes) {
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

void CheckArrays(const Place& at, const v1::Arrays& arrays) {
  at.At("field").Expect(!arrays.field().empty(), "at least one", "none");
  UniqueNames names;
  for (int i = 0; i < arrays.field_size(); ++i) {
    const Place field = at.At("field", i);
    names.Add(field.At("name"), arrays.field(i).name());
    CheckText(field.At("file"), arrays.field(i).file());
    CheckClasses(field.At("classes"), arrays.field(i).classes());
  }
}

void CheckCifar10(const Place& at, const v1::Cifar10& cifar10) {
  at.At("file").Expect(!cifar10.file().empty(), "at least one", "none");
  for (int i = 0; i < cifar10.file_size(); ++i) CheckText(at.At("file", i), cifar10.file(i));
}

void CheckImageFolder(const Place& at, const v1::ImageFolder& folder) {
  CheckText(at.At("path"), folder.path());
  const int channels = folder.has_channels() ? folder.channels() : 3;
  at.At("channels").Expect(channels == 1 || channels == 3, "1 or 3", channels);
  CheckUnique(at, "class_name", folder.class_name());
}

void CheckCsv(const Place& at, const v1::Csv& csv) {
  CheckText(at.At("file"), csv.file());
  at.At("field").Expect(!csv.field().empty(), "at least one", "none");
  UniqueNames names;
  for (int i = 0; i < csv.field_size(); ++i) {
    const v1::Csv::Field& field = csv.field(i);
    const Place place = at.At("field", i);
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

void CheckSource(const Place& at, const v1::Source& source) {
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
  return names;
}

// ---------------------------------------------------------------- transforms

void CheckSize(const Place& at, int64_t height, int64_t width, int64_t least) {
  const std::string expected = absl::StrCat("at least ", least);
  at.At("height").Expect(height >= least, expected, height);
  at.At("width").Expect(width >= least, expected, width);
  if (height < 0 || width < 0) return;
  at.Expect(height * width <= limits::kMaxImagePixels, absl::StrCat("at most ", limits::kMaxImagePixels, " pixels"),
            absl::StrCat(height, " x ", width));
}

// The smaller and the larger end of a range within [low, high].
void CheckEnds(const Place& at, const std::string& what, double least, double most, double low, double high) {
  at.At("min_" + what).ExpectIn(least, low, high);
  at.At("max_" + what).ExpectIn(most, least >= low && least <= high ? least : low, high);
}

template <typename Options>
void CheckRect(const Place& at, const Options& options) {
  CheckEnds(at, "area", options.min_area, options.max_area, 0, 1);
  CheckEnds(at, "ratio", options.min_ratio, options.max_ratio, data::kMinRatio, data::kMaxRatio);
}

void CheckFill(const Place& at, const std::vector<float>& fill) {
  const bool finite = std::ranges::all_of(fill, [](float value) { return std::isfinite(value); });
  at.At("fill").Expect(finite, "finite numbers", "others");
}

void CheckKind(const Place& at, const v1::Resize& resize) {
  CheckSize(at, resize.height(), resize.width(), 1);
  const double kept = OptionsOf(resize).kept;
  at.At("kept").Expect(kept > 0 && kept <= 1, "a number above 0, at most 1", kept);
}

void CheckKind(const Place& at, const v1::RandomResizedCrop& crop) {
  CheckSize(at, crop.height(), crop.width(), 1);
  CheckRect(at, OptionsOf(crop));
}

void CheckKind(const Place& at, const v1::RandomCrop& crop) {
  CheckSize(at, crop.height(), crop.width(), 0);
  const int padding = OptionsOf(crop).padding;
  at.At("padding").Expect(padding >= 0, "at least 0", padding);
}

void CheckKind(const Place& at, const v1::RandomFlip& flip) {
  at.At("horizontal").ExpectIn(OptionsOf(flip).horizontal, 0, 1);
  at.At("vertical").ExpectIn(flip.vertical(), 0, 1);
}

void CheckKind(const Place& at, const v1::ColorJitter& jitter) {
  at.At("brightness").ExpectIn(jitter.brightness(), 0, data::kMaxJitter);
  at.At("contrast").ExpectIn(jitter.contrast(), 0, data::kMaxJitter);
  at.At("saturation").ExpectIn(jitter.saturation(), 0, data::kMaxJitter);
  at.At("hue").ExpectIn(jitter.hue(), 0, 0.5);
}

void CheckKind(const Place& at, const v1::RandomErasing& erasing) {
  const data::RandomErasingOptions options = OptionsOf(erasing);
  at.At("probability").ExpectIn(options.probability, 0, 1);
  CheckRect(at, options);
  CheckFill(at, options.fill);
}

void CheckKind(const Place& at, const v1::Cutout& cutout) {
  const data::CutoutOptions options = OptionsOf(cutout);
  at.At("size").Expect(options.size >= 1, "at least 1", options.size);
  CheckFill(at, options.fill);
}

// `at` is the kind's own place.
void CheckParameters(const Place& at, const v1::Transform& transform) {
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
void CheckFields(const Place& at, const v1::Transform& transform, const std::vector<std::string>& known) {
  const Kind kind = transform.kind_case();
  const bool several = kind == Kind::kRandomCrop || kind == Kind::kRandomFlip || kind == Kind::kRandomRotation;
  const std::vector<std::string> fields = FieldsOf(transform);
  at.At("field").Expect(several || fields.size() == 1, "one", fields.size());
  if (!transform.field().empty()) CheckUnique(at, "field", transform.field());
  for (const std::string& field : fields) {
    if (known.empty() || field.empty()) continue;
    at.At("field").Expect(std::ranges::count(known, field) > 0, absl::StrJoin(known, " or "), Quoted(field));
  }
}

void CheckTransform(const Place& at, const v1::Transform& transform, const std::vector<std::string>& known) {
  if (transform.kind_case() == Kind::KIND_NOT_SET) return at.Expect(false, "something to do", "nothing");
  CheckFields(at, transform, known);
  CheckParameters(at.At(KindOf(transform)), transform);
}

bool HasChance(const v1::Transform& transform) {
  const Kind kind = transform.kind_case();
  return kind != Kind::kToPlanes && kind != Kind::kConvertTo && kind != Kind::kResize && kind != Kind::KIND_NOT_SET;
}

void CheckTransforms(const Place& at, const v1::DataSet& data) {
  const std::vector<std::string> known = FieldNamesOf(data.training());
  for (int i = 0; i < data.prepare_size(); ++i) {
    const Place place = at.At("prepare", i);
    CheckTransform(place, data.prepare(i), known);
    place.Expect(!HasChance(data.prepare(i)), "to_planes, convert_to or resize, nothing with chance in it",
                 KindOf(data.prepare(i)));
  }
  for (int i = 0; i < data.augment_size(); ++i) CheckTransform(at.At("augment", i), data.augment(i), known);
}

void CheckHeldOut(const Place& at, const v1::DataSet& data) {
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
              absl::StrCat("the fields ", absl::StrJoin(expected, ", "), " as data.training has"),
              absl::StrJoin(got, ", "));
}

}  // namespace

std::vector<std::string> CheckDataSet(const v1::DataSet& data) {
  std::vector<std::string> lines;
  const Place at("data", lines);
  CheckSource(at.At("training"), data.training());
  CheckHeldOut(at, data);
  CheckTransforms(at, data);
  FindUnknownEnums(data, "data", lines);
  return lines;
}

}  // namespace beak
