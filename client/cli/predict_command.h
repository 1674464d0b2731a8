#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/connection.h"
#include "client/cli/preprocess.h"

namespace beak::cli {

// The flags of `beak predict`.
struct PredictFlags {
  Connection connection;
  std::string model;
  std::string version;
  std::vector<std::string> images;   // files
  std::vector<std::string> inputs;   // NAME=FILE.npy
  std::vector<std::string> outputs;  // NAME=FILE.npy, to write
  ImageParameters image_parameters;  // given by flags; the others come from the model's configuration
  int64_t top = 5;                   // classes to print; 0: print tensors as they are
  bool json = false;
};

// Reads the files, predicts and writes output files. What is to be printed on stdout.
absl::StatusOr<std::string> Predict(const PredictFlags& flags);

}  // namespace beak::cli
