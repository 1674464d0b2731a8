#pragma once

#include <map>
#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace beak::tools {

struct RunCommandOptions {
  std::string file;
  std::map<std::string, std::string> inputs;   // name -> .npy file
  std::map<std::string, std::string> outputs;  // name -> .npy file to write; empty: only describe all outputs
  int threads = 1;
};

// `beak-model run`: one prediction. Shape inputs of the network are given like any other.
absl::Status Run(const RunCommandOptions& options, std::ostream& out);

// "x=a.npy" -> {"x", "a.npy"}; `flag` is for the error text.
absl::Status ParseNamedFile(const std::string& flag, const std::string& text,
                            std::map<std::string, std::string>& files);

}  // namespace beak::tools
