#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/data/pipeline.h"
#include "engine/graph/graph.h"
#include "engine/job/evaluate.h"
#include "engine/job/job_plan.h"
#include "engine/runtime/kernel.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// FAILED_PRECONDITION where `other` cannot be compared with the network of a job: inputs or classes are not the same,
// or the job has none. Both are as files have them, not published.
absl::Status CheckComparable(const Graph& network, const Graph& other, const JobPlan& plan);

// Runs both on the same samples, as they would be served, and counts who was right. Inputs and outputs of `other` go by
// the names that `network` has; where it has only one, that is it. Errors as CheckComparable's. REQUIRES:
// 0.5 <= confidence < 1; `backend` outlives the call.
absl::StatusOr<v1::Comparison> Compare(const Graph& network, const Graph& other, const JobPlan& plan,
                                       const data::PipelinePtr& data, double confidence, const Backend& backend,
                                       const EvaluateOptions& options = {});

}  // namespace beak
