#pragma once

#include <string>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/engine.h"

namespace beak {

// Proves a version on the samples that are stored with it: `folder`/golden/<case>/<name>.npy, one file for each of the
// network's inputs and for at least one of its outputs, batch dimension included; a slash in a name is written as an
// underscore. Nothing to prove where `folder` is empty or has no golden samples.
//
// FAILED_PRECONDITION where an answer is not the expected one within the tolerances of ExpectClose; it names case,
// output and element. INVALID_ARGUMENT or NOT_FOUND for samples that do not fit the network. CANCELLED once it is seen
// to be asked to stop.
absl::Status CheckGoldenSamples(const std::string& folder, Model& network, const CancelToken* stop = nullptr);

}  // namespace beak
