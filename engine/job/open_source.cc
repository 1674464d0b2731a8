#include "engine/job/open_source.h"

#include <optional>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/data/array_files.h"
#include "engine/data/cifar_files.h"
#include "engine/data/classes.h"
#include "engine/data/csv_file.h"
#include "engine/data/image_folder.h"
#include "proto/beak/v1/dataset.pb.h"

namespace beak {
namespace {

// Resolves the paths of a source and keeps what is wrong with any of them.
class PathFinder {
 public:
  explicit PathFinder(const SourceOptions& options) : options_(options) {}

  // "" where it leads nowhere.
  std::string Find(const std::string& field, const std::string& path) {
    absl::StatusOr<std::string> found = ResolvePath(options_.folder, path);
    if (found.ok()) return *std::move(found);
    const absl::Status status = Annotate(found.status(), absl::StrCat(options_.place, ".", field));
    status_ =
        status_.ok() ? status : absl::Status(status_.code(), absl::StrCat(status_.message(), "\n", status.message()));
    return "";
  }

  const absl::Status& status() const { return status_; }

 private:
  const SourceOptions& options_;
  absl::Status status_;
};

template <typename T>
absl::StatusOr<T> AnnotateWith(const std::string& place, absl::StatusOr<T> value) {
  if (value.ok()) return value;
  return Annotate(value.status(), place);
}

// What the training data knows of a field; null where it knows nothing.
const data::Field* FieldOfTraining(const SourceOptions& options, const std::string& name) {
  if (options.training == nullptr) return nullptr;
  const absl::StatusOr<size_t> number = data::FindField(*options.training, name);
  return number.ok() ? &options.training->fields[*number] : nullptr;
}

data::Classes ClassesOf(const v1::Classes& description, const data::Field* training) {
  data::Classes classes = {description.count(), {description.name().begin(), description.name().end()}};
  if (training == nullptr) return classes;
  if (classes.count == 0) classes.count = training->num_classes;
  if (classes.names.empty()) classes.names = training->class_names;
  return classes;
}

absl::StatusOr<data::SourcePtr> OpenArrays(const v1::Arrays& description, const SourceOptions& options) {
  PathFinder paths(options);
  std::vector<data::ArrayFile> files;
  for (const v1::Arrays::Field& field : description.field()) {
    const std::string path = paths.Find(absl::StrCat("arrays.field[", files.size(), "].file"), field.file());
    files.push_back({field.name(), path, field.array(), std::nullopt});
    if (field.has_classes()) files.back().classes = ClassesOf(field.classes(), FieldOfTraining(options, field.name()));
  }
  RETURN_IF_ERROR(paths.status());
  return AnnotateWith(options.place, data::OpenArrayFiles(files, options.on_bad));
}

absl::StatusOr<data::SourcePtr> OpenCifar(const v1::Cifar10& description, const SourceOptions& options) {
  PathFinder paths(options);
  std::vector<std::string> files;
  for (const std::string& file : description.file()) {
    files.push_back(paths.Find(absl::StrCat("cifar10.file[", files.size(), "]"), file));
  }
  RETURN_IF_ERROR(paths.status());
  return AnnotateWith(options.place, data::OpenCifar10(files));
}

absl::StatusOr<data::SourcePtr> OpenFolder(const v1::ImageFolder& description, const SourceOptions& options) {
  PathFinder paths(options);
  const std::string path = paths.Find("image_folder.path", description.path());
  RETURN_IF_ERROR(paths.status());
  data::ImageFolderOptions folder;
  if (description.has_channels()) folder.channels = description.channels();
  folder.same_size = description.same_size();
  folder.class_names = {description.class_name().begin(), description.class_name().end()};
  const data::Field* const training = FieldOfTraining(options, "label");
  if (folder.class_names.empty() && training != nullptr) folder.class_names = training->class_names;
  folder.on_bad = options.on_bad;
  if (options.folder.confined) folder.root = options.folder.path;
  folder.progress = options.progress;
  return AnnotateWith(options.place, data::OpenImageFolder(path, folder));
}

absl::StatusOr<data::SourcePtr> OpenTable(const v1::Csv& description, const SourceOptions& options) {
  PathFinder paths(options);
  const std::string path = paths.Find("csv.file", description.file());
  RETURN_IF_ERROR(paths.status());
  std::vector<data::CsvField> fields;
  for (const v1::Csv::Field& field : description.field()) {
    const data::Field* const training = FieldOfTraining(options, field.name());
    fields.push_back({field.name(), {field.column().begin(), field.column().end()}, std::nullopt});
    if (fields.back().columns.empty() && training != nullptr) fields.back().columns = training->value_names;
    if (field.has_classes()) fields.back().classes = ClassesOf(field.classes(), training);
  }
  const char separator = description.separator().empty() ? ',' : description.separator()[0];
  return AnnotateWith(options.place, data::OpenCsv(path, fields, options.on_bad, separator));
}

}  // namespace

absl::StatusOr<data::SourcePtr> OpenSource(const v1::Source& description, const SourceOptions& options) {
  switch (description.kind_case()) {
    case v1::Source::kArrays:
      return OpenArrays(description.arrays(), options);
    case v1::Source::kCifar10:
      return OpenCifar(description.cifar10(), options);
    case v1::Source::kImageFolder:
      return OpenFolder(description.image_folder(), options);
    case v1::Source::kCsv:
      return OpenTable(description.csv(), options);
    case v1::Source::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat(options.place, ": expected a source, got none"));
}

}  // namespace beak
