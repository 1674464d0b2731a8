#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak {

// One model's folder in a repository: DIR/<model>/<version>/model.onnx, DIR/<model>/config.pbtxt.
struct ModelFolder {
  std::string name;
  std::string path;
  std::vector<int64_t> versions;  // rising
  bool readable = true;           // false: what it holds is not known
};

// What to do with a folder whose name cannot be a model's.
enum class BadNames { kRefuse, kPassOver };

// The models of a repository, by name. Folders whose name begins with a dot are passed over, and so is everything in a
// model's folder whose name is not a whole number above 0 without leading zeros. NOT_FOUND, PERMISSION_DENIED or
// INVALID_ARGUMENT where `path` is no folder that can be read; with kRefuse, INVALID_ARGUMENT for a folder name that
// cannot be a model's.
absl::StatusOr<std::vector<ModelFolder>> ScanRepository(const std::string& path,
                                                        BadNames bad_names = BadNames::kRefuse);
// One of them; NOT_FOUND where there is none of that name.
absl::StatusOr<ModelFolder> ScanModelFolder(const std::string& repository, const std::string& name);

// OK for a name that a model may have: printable ASCII without blanks and slashes, 1 to 255 characters.
absl::Status CheckModelName(const std::string& name);

// The labels of a classifier, one a line; what stands in line i belongs to index i.
absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path);

}  // namespace beak
