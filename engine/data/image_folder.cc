#include "engine/data/image_folder.h"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/io/image.h"

namespace beak::data {
namespace {

constexpr size_t kMaxFiles = 50'000'000;

// A picture, before anyone looked into it.
struct File {
  std::string path;
  int64_t label = 0;
};

struct Size {
  int height = 0;
  int width = 0;

  friend bool operator==(const Size&, const Size&) = default;
};

// Nothing outside `root` is read; empty: everything may be.
absl::Status CheckBelow(const std::string& root, const std::string& path) {
  return root.empty() ? absl::OkStatus() : CheckWithin(root, path);
}

// Looks each time where the path leads: links may have changed since the folder was listed.
absl::StatusOr<Raster> ReadPicture(const std::string& root, const std::string& path, int channels) {
  RETURN_IF_ERROR(CheckBelow(root, path));
  absl::StatusOr<Raster> raster = [&]() -> absl::StatusOr<Raster> {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, limits::kMaxImageFileBytes));
    return DecodeImage(bytes);
  }();
  if (!raster.ok()) return Annotate(raster.status(), absl::StrCat("'", path, "'"));
  return WithChannels(*std::move(raster), channels);
}

class ImageFolder final : public Source {
 public:
  // `size` is that of all pictures, where there is one.
  ImageFolder(std::vector<File> files, std::vector<std::string> classes, const ImageFolderOptions& options,
              std::optional<Size> size, SkippedSamples skipped)
      : files_(std::move(files)), root_(options.root), channels_(options.channels), skipped_(std::move(skipped)) {
    const Dim height = size ? Dim(size->height) : Dim();
    const Dim width = size ? Dim(size->width) : Dim();
    const int64_t num_classes = static_cast<int64_t>(classes.size());
    schema_.fields = {{"image", DType::kUint8, {height, width, channels_}},
                      {"label", DType::kInt64, {}, num_classes, std::move(classes)}};
  }

  const Schema& schema() const override { return schema_; }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  const SkippedSamples& skipped() const override { return skipped_; }

  absl::StatusOr<Tensor> ReadField(int64_t index, size_t field) const override {
    const File& file = files_[static_cast<size_t>(index)];
    if (field == 1) return Tensor::Scalar<int64_t>(file.label);
    ASSIGN_OR_RETURN(const Raster raster, ReadPicture(root_, file.path, channels_));
    ASSIGN_OR_RETURN(Tensor image, Tensor::Create(DType::kUint8, {raster.height, raster.width, raster.channels}));
    std::memcpy(image.mutable_bytes(), raster.pixels.data(), raster.pixels.size());
    return image;
  }

 private:
  const std::vector<File> files_;
  const std::string root_;
  const int channels_;
  const SkippedSamples skipped_;
  Schema schema_;
};

bool IsHidden(const std::string& name) { return name[0] == '.'; }

// The folders that hold pictures.
absl::StatusOr<std::vector<std::string>> ListFolders(const std::string& root, const std::string& path) {
  RETURN_IF_ERROR(CheckBelow(root, path));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(path));
  std::vector<std::string> folders;
  for (const std::string& name : names) {
    const std::string place = absl::StrCat(path, "/", name);
    if (IsHidden(name) || !IsDirectory(place)) continue;
    RETURN_IF_ERROR(CheckBelow(root, place));
    folders.push_back(name);
  }
  if (folders.empty() || static_cast<int64_t>(folders.size()) > kMaxClasses) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a folder for each of 1 to ", kMaxClasses, " classes, got ", folders.size()));
  }
  return folders;
}

// The class of each folder.
absl::StatusOr<std::vector<int64_t>> LabelsOf(const std::vector<std::string>& folders,
                                              const std::vector<std::string>& classes) {
  std::map<std::string, int64_t> numbers;
  for (const std::string& name : classes) numbers.emplace(name, static_cast<int64_t>(numbers.size()));
  if (numbers.size() != classes.size()) return absl::InvalidArgumentError("expected each class name once");
  std::vector<int64_t> labels;
  for (const std::string& folder : folders) {
    const auto found = numbers.find(folder);
    if (found == numbers.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected the classes ", absl::StrJoin(classes, ", "), ", got a folder '", folder, "'"));
    }
    labels.push_back(found->second);
  }
  return labels;
}

absl::StatusOr<std::vector<File>> ListFiles(const std::string& path, const std::vector<std::string>& folders,
                                            const std::vector<int64_t>& labels) {
  std::vector<File> files;
  for (size_t i = 0; i < folders.size(); ++i) {
    const std::string place = absl::StrCat(path, "/", folders[i]);
    ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(place));
    for (const std::string& name : names) {
      if (!IsHidden(name)) files.push_back({absl::StrCat(place, "/", name), labels[i]});
    }
    if (files.size() > kMaxFiles) {
      return absl::ResourceExhaustedError(absl::StrCat("expected at most ", kMaxFiles, " files"));
    }
  }
  return files;
}

// Looks at every picture once.
class Scan {
 public:
  explicit Scan(const ImageFolderOptions& options) : options_(options) {}

  absl::Status Look(std::vector<File> files) {
    const int64_t total = static_cast<int64_t>(files.size());
    constexpr int64_t kBetweenReports = 100;
    for (int64_t i = 0; i < total; ++i) {
      File& file = files[static_cast<size_t>(i)];
      const absl::Status status = LookAt(file.path);
      if (status.ok()) good_.push_back(std::move(file));
      if (!status.ok()) RETURN_IF_ERROR(skipped_.Report(status, options_.on_bad));
      if (options_.progress && ((i + 1) % kBetweenReports == 0 || i + 1 == total)) options_.progress(i + 1, total);
    }
    return absl::OkStatus();
  }

  std::vector<File>& good() { return good_; }
  SkippedSamples& skipped() { return skipped_; }
  std::optional<Size> common_size() const { return sizes_differ_ ? std::nullopt : first_; }

 private:
  absl::Status LookAt(const std::string& path) {
    ASSIGN_OR_RETURN(const Raster raster, ReadPicture(options_.root, path, options_.channels));
    const Size size = {raster.height, raster.width};
    if (!first_) first_ = size;
    if (size == *first_) return absl::OkStatus();
    if (options_.same_size) {
      return absl::InvalidArgumentError(absl::StrCat("'", path, "': expected ", first_->width, " x ", first_->height,
                                                     " pixels as the first picture has, got ", size.width, " x ",
                                                     size.height));
    }
    sizes_differ_ = true;
    return absl::OkStatus();
  }

  const ImageFolderOptions& options_;
  std::vector<File> good_;
  SkippedSamples skipped_;
  std::optional<Size> first_;
  bool sizes_differ_ = false;
};

absl::Status CheckNoFolderIsEmpty(const std::vector<std::string>& folders, const std::vector<int64_t>& labels,
                                  const std::vector<File>& files) {
  std::set<int64_t> seen;
  for (const File& file : files) seen.insert(file.label);
  for (size_t i = 0; i < folders.size(); ++i) {
    if (seen.count(labels[i]) > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("class '", folders[i], "': expected at least one picture, got none"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SourcePtr> Open(const std::string& path, const ImageFolderOptions& options) {
  if (options.channels != 1 && options.channels != 3) {
    return absl::InvalidArgumentError(absl::StrCat("expected 1 or 3 channels, got ", options.channels));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> folders, ListFolders(options.root, path));
  std::vector<std::string> classes = options.class_names.empty() ? folders : options.class_names;
  ASSIGN_OR_RETURN(const std::vector<int64_t> labels, LabelsOf(folders, classes));
  ASSIGN_OR_RETURN(std::vector<File> files, ListFiles(path, folders, labels));
  Scan scan(options);
  RETURN_IF_ERROR(scan.Look(std::move(files)));
  RETURN_IF_ERROR(CheckNoFolderIsEmpty(folders, labels, scan.good()));
  return std::make_shared<ImageFolder>(std::move(scan.good()), std::move(classes), options, scan.common_size(),
                                       std::move(scan.skipped()));
}

}  // namespace

absl::StatusOr<SourcePtr> OpenImageFolder(const std::string& path, const ImageFolderOptions& options) {
  absl::StatusOr<SourcePtr> source = Open(path, options);
  if (!source.ok()) return Annotate(source.status(), absl::StrCat("folder '", path, "'"));
  return source;
}

}  // namespace beak::data
