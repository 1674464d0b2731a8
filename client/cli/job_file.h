#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "proto/beak/v1/train.pb.h"

namespace beak::cli {

// A job file (a beak.v1.TrainJobSpec as text) as it is sent to a server. A network.description_file is a path from the
// job file's folder; what is in it takes its place. Paths of data and of ONNX files stay as they are: they are the
// server's. INVALID_ARGUMENT with file, line and column where a text is wrong; otherwise as ReadFile.
absl::StatusOr<v1::TrainJobSpec> ReadJobFile(const std::string& path);

}  // namespace beak::cli
