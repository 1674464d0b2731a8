#pragma once

#include <set>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "engine/graph/graph.h"

namespace beak {

// Makes (x - offset[c]) * scale[c] in channel c, or with the one entry for all, the first thing that a network does to
// an input: whoever serves it then gives raw values. Constants that training must leave alone are added to `frozen`.
// INVALID_ARGUMENT where there is no such input, or not as many entries as it has channels (its second dimension).
absl::Status NormaliseInput(const std::string& input, std::span<const float> offset, std::span<const float> scale,
                            Graph& network, std::set<std::string>& frozen);

}  // namespace beak
