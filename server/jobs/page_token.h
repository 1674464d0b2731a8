#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "server/jobs/job_manager.h"

namespace beak {

// Where a list of jobs goes on, as text that a client hands back: below the job `sequence`, for this filter only.
std::string MakePageToken(const JobFilter& filter, int64_t sequence);

// The sequence; INT64_MAX for an empty token: from the newest. INVALID_ARGUMENT for what MakePageToken did not give for
// this filter.
absl::StatusOr<int64_t> ReadPageToken(const JobFilter& filter, const std::string& token);

}  // namespace beak
