#pragma once

#include <cstdint>
#include <string>

#include "proto/beak/v1/train.pb.h"

namespace beak {

struct GateDecision {
  bool publish = false;
  std::string reason;  // why not: "accuracy 0.9541 is below 0.97"
};

// Whether what a job gave is published. `serving_version` is the version that `result.comparison` compares it with; 0
// where nothing serves, and then BETTER_THAN_SERVING publishes. What cannot be compared or is no number is not
// published, but with ALWAYS.
GateDecision DecidePublish(const v1::Publish& publish, const v1::TrainResult& result, int64_t serving_version);

}  // namespace beak
