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
// first bytes, plain, .gz or .xz. Arrays are taken as they are stored. What cannot be read is an error that names the
// file; what does not fit together, in the number of samples, or is no class one that names all of them and the field.
// The reasons for which samples were left out name field and sample.
absl::StatusOr<SourcePtr> OpenArrayFiles(const std::vector<ArrayFile>& files, OnBadSample on_bad);

}  // namespace beak::data
