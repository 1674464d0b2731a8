#pragma once

#include "absl/status/status.h"
#include "server/models/program_set.h"

namespace beak {

// Runs two random rows alone, together, and together in the other order. FAILED_PRECONDITION where the bits of an
// answer differ: what a network gives for a row then depends on what it is batched with, and it must not be batched.
// OK where the data cannot be had (a network that refuses such inputs). REQUIRES: programs for one row and for two, on
// one thread, are prepared.
absl::Status CheckRowsIndependent(ProgramSet& programs);

}  // namespace beak
