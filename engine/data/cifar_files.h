#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/source.h"

namespace beak::data {

// CIFAR-10's binary files (see engine/io/cifar.h), plain, .gz or .xz, one after the other: "image" uint8 [32, 32, 3]
// and "label" int64 of its ten classes. Errors name the file.
absl::StatusOr<SourcePtr> OpenCifar10(const std::vector<std::string>& paths);

}  // namespace beak::data
