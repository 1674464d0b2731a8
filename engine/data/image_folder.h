#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/source.h"

namespace beak::data {

struct ImageFolderOptions {
  int channels = 3;        // 1: gray, 3: RGB; pictures of the other kind are converted
  bool same_size = false;  // a picture of another size than the first is bad: for networks without a resize
  // The classes in their order, where they are known: a held-out folder takes them from the training folder, for it may
  // lack one. A folder of another name is an error then.
  std::vector<std::string> class_names;
  OnBadSample on_bad = OnBadSample::kFail;
  // Nothing outside this folder is read, symbolic links included. Empty: links may lead anywhere.
  std::string root;
  // Called now and then while the pictures are looked at: how many of how many.
  std::function<void(int64_t done, int64_t total)> progress;
};

// A folder of JPEG and PNG files in one folder a class: "image" uint8 [height, width, channels], "label" int64 whose
// classes are the folders' names, sorted. Sizes are known to the schema where all are the same. Every file counts,
// whatever its name, unless that begins with a dot. All are decoded once at the start, so that a bad one is found
// before anything is trained; they are then read and decoded anew each time. Errors name the file.
absl::StatusOr<SourcePtr> OpenImageFolder(const std::string& path, const ImageFolderOptions& options);

}  // namespace beak::data
