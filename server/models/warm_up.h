#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "server/models/model_version.h"
#include "server/models/program_set.h"

namespace beak {

struct WarmUpOptions {
  int64_t max_rows = 1;
  std::vector<int64_t> preferred_rows;  // prepared in any case
  int threads = 1;                      // of a run that has the whole machine
  // Told after each program that has become ready.
  std::function<void()> prepared = [] {};
  const CancelToken* stop = nullptr;
};

// Prepares the programs that scheduling chooses from: for 1, 2, 4 ... rows up to `max_rows`, as long as larger batches
// make a row cheaper and a run stays short and small; and each of these for several threads too. An error where not
// even one row can be run, what fails beyond that is left out; FAILED_PRECONDITION where rows are not independent of
// each other; CANCELLED once asked to stop.
absl::Status WarmUp(ProgramSet& programs, const WarmUpOptions& options);

// What a version is to be warmed up with, on a server with so many lanes.
WarmUpOptions WarmUpOptionsFor(const ModelVersion& version, int lanes);

// Whether twice as many rows are worth a program, given the costs a row of the sizes before, rising: not once two
// doublings in a row have gained less than 2 %.
bool WorthDoubling(const std::vector<double>& per_row);

}  // namespace beak
