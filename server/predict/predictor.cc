#include "server/predict/predictor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/predict/predict_task.h"
#include "server/predict/validate.h"

namespace beak {
namespace {

absl::StatusOr<ValidRequest> Check(const ModelVersion& version, const PredictRequest& request) {
  RETURN_IF_ERROR(request.decoded);
  return Validate(version.signature(), request.inputs, request.outputs);
}

}  // namespace

std::shared_ptr<Task> Predictor::Start(const PredictRequest& request, Done done) {
  absl::StatusOr<std::shared_ptr<const ModelVersion>> version =
      models_.snapshot()->Find(request.model, request.version);
  if (!version.ok()) {
    metrics_.RecordUnrouted(version.status().code());
    done(version.status());
    return nullptr;
  }
  absl::StatusOr<ValidRequest> valid = Check(**version, request);
  const MonotonicTime now = clock_.Now();
  if (valid.ok() && now >= request.deadline) {
    valid = absl::DeadlineExceededError("the deadline had passed when the request arrived");
  }
  if (!valid.ok()) {
    RequestObservation observation;
    observation.outcome = valid.status().code();
    observation.received = request.received;
    observation.answered = now;
    observation.deadline = request.deadline;
    (*version)->observer().RecordRequest(observation);
    done(Annotate(valid.status(), absl::StrCat("model '", request.model, "'")));
    return nullptr;
  }
  auto task = std::make_shared<PredictTask>(*std::move(version), *std::move(valid), request.received, request.deadline,
                                            clock_, std::move(done));
  scheduler_.Submit(task);
  return task;
}

void Predictor::Cancel(const std::shared_ptr<Task>& request) {
  if (request) scheduler_.Cancel(*request);
}

}  // namespace beak
