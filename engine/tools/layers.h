#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace beak::tools {

struct LayersOptions {
  std::string file;  // a beak.v1.Network in text form
};

// `beak-model layers`: the layers of a described network, one a line, with what they give and how many parameters they
// have; or everything that is wrong with the description.
absl::Status PrintLayers(const LayersOptions& options, std::ostream& out);

}  // namespace beak::tools
