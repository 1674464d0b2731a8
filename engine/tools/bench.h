#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "engine/tools/network.h"

namespace beak::tools {

struct BenchOptions {
  std::string file;
  ShapeChoice shapes;
  int threads = 1;
  int iterations = 0;    // 0: as many as two seconds hold, at least 10
  bool profile = false;  // also measure every step
  bool json = false;
};

// `beak-model bench`: runs the network on made-up inputs and writes how long that takes to `out`. In JSON: median_ms,
// min_ms, gflops (of convolutions and matrix products, at the median), load_seconds (file to first result ready to be
// asked for), resident_bytes (of this process, after the first run); with profile also steps.
absl::Status Bench(const BenchOptions& options, std::ostream& out);

}  // namespace beak::tools
