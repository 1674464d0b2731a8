#include "server/predict/predictor.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/predict/network_call.h"
#include "server/predict/validate.h"
#include "server/scheduling/policy.h"

namespace beak {
namespace {

absl::StatusOr<ValidRequest> Check(const ModelVersion& version, const PredictRequest& request, MonotonicTime deadline,
                                   MonotonicTime now) {
  RETURN_IF_ERROR(request.decoded);
  ASSIGN_OR_RETURN(ValidRequest valid,
                   Validate(version.signature(), version.options().split_oversized, request.inputs, request.outputs));
  if (now >= deadline) return absl::DeadlineExceededError("the deadline had passed when the request arrived");
  return valid;
}

// Answers a request that never got as far as the queue.
void TurnDown(const ModelVersion& version, const PredictRequest& request, const NetworkCall::Times& times,
              const absl::Status& why, MonotonicTime now, const PredictDone& done) {
  RequestObservation observation;
  observation.outcome = why.code();
  observation.received = times.received;
  observation.answered = now;
  observation.deadline = times.deadline;
  version.observer().RecordRequest(observation);
  done(Annotate(why, absl::StrCat("model '", request.model, "'")));
}

}  // namespace

std::shared_ptr<Prediction> Predictor::Start(const PredictRequest& request, PredictDone done) {
  absl::StatusOr<std::shared_ptr<const ModelVersion>> version =
      models_.snapshot()->Find(request.model, request.version);
  if (!version.ok()) {
    metrics_.RecordUnrouted(version.status().code());
    done(version.status());
    return nullptr;
  }
  return StartNetwork(*std::move(version), request, std::move(done));
}

std::shared_ptr<Prediction> Predictor::StartNetwork(std::shared_ptr<const ModelVersion> version,
                                                    const PredictRequest& request, PredictDone done) {
  const MonotonicTime now = clock_.Now();
  NetworkCall::Times times{request.received, request.deadline};
  const std::chrono::nanoseconds default_deadline = version->options().default_deadline;
  if (times.deadline == kNever && default_deadline.count() > 0) times.deadline = request.received + default_deadline;
  absl::StatusOr<ValidRequest> valid = Check(*version, request, times.deadline, now);
  if (!valid.ok()) {
    TurnDown(*version, request, times, valid.status(), now, done);
    return nullptr;
  }
  const std::shared_ptr<ModelWorkload> workload = workloads_.Get(version, valid->row_shapes);
  if (const absl::Status status = workload->PreparePrograms(options_.lanes); !status.ok()) {
    TurnDown(*version, request, times, status, now, done);
    return nullptr;
  }
  const std::vector<int64_t> parts = SplitRows(valid->rows, version->max_batch_rows(), workload->costs().get());
  auto call =
      std::make_shared<NetworkCall>(std::move(version), *std::move(valid), times, scheduler_, clock_, std::move(done));
  call->Submit(workload, parts, request.priority);
  return call;
}

}  // namespace beak
