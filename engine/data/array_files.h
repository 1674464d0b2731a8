#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/classes.h"
#include "engine/data/source.h"

namespace beak::data {

// A field whose values are one array of a file, [samples, ...]. A value type.
struct ArrayFile {
  std::string field;
  std::string path;
  std::string array;               // which array of a .npz
  std::optional<Classes> classes;  // where the values are classes, one a sample: they become int64
};

// A data set of arrays in memory, as MNIST's (IDX) and Keras' (.npz) are: each file is IDX, .npy or .npz, told by its
// first bytes, plain, .gz or .xz. Arrays are taken as they are stored. Errors name the file: what cannot be read, what
// differs in the number of samples, classes out of range (these by `on_bad`).
absl::StatusOr<SourcePtr> OpenArrayFiles(const std::vector<ArrayFile>& files, OnBadSample on_bad);

}  // namespace beak::data
