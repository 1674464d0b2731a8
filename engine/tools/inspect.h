#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "engine/tools/network.h"

namespace beak::tools {

struct InspectOptions {
  std::string file;
  ShapeChoice shapes;  // the input shapes that operations are counted for
  bool json = false;
};

// `beak-model inspect`: writes what the file holds to `out`. A network that is read but cannot be compiled for these
// shapes is still described, with the reason in place of the operations.
absl::Status Inspect(const InspectOptions& options, std::ostream& out);

}  // namespace beak::tools
