#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/bench/load.h"
#include "client/cli/connection.h"

namespace beak::cli {

// The flags of `beak bench`.
struct BenchFlags {
  bench::LoadOptions load;  // all but its body and security
  SecurityFlags security;
  std::string model;
  std::string version;
  std::vector<std::string> inputs;  // NAME=FILE.npy
  std::vector<std::string> shapes;  // NAME=1x3x480x640
  int64_t rows = 1;
  bool zeros = false;
  uint64_t priority = 0;
  bool json = false;
};

// What is to be printed on stdout, and whether any request was answered with success.
struct BenchOutcome {
  std::string text;
  bool any_success = false;
};

// Loads the server until the time is over, or SIGINT or SIGTERM comes; says on stderr how it goes when that takes long.
// An error where the very first request fails for a reason that will not go away. Changes how this process takes those
// signals.
absl::StatusOr<BenchOutcome> Bench(const BenchFlags& flags);

}  // namespace beak::cli
