#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/models/model_version.h"
#include "server/observe/statistics.h"
#include "server/predict/request.h"
#include "server/predict/validate.h"
#include "server/scheduling/task.h"

namespace beak {

// One checked request on its way through the scheduler. It is answered, and recorded, exactly once: recorded first, so
// that whoever has the answer finds it in the metrics.
class PredictTask final : public Task {
 public:
  using Done = std::function<void(absl::StatusOr<PredictResponse>)>;

  PredictTask(std::shared_ptr<const ModelVersion> version, ValidRequest request, MonotonicTime received,
              MonotonicTime deadline, const Clock& clock, Done done);

  void Run(int lane) override;
  void Refuse(absl::Status why) override;

 private:
  absl::StatusOr<PredictResponse> Execute();
  absl::Status RunNetwork(WorkspaceLease& lease);
  PredictResponse TakeOutputs(const WorkspaceLease& lease) const;
  void Answer(absl::StatusOr<PredictResponse> response);

  const std::shared_ptr<const ModelVersion> version_;
  const ValidRequest request_;
  const Clock& clock_;
  const Done done_;
  RequestObservation observation_;  // of whichever thread has the task
};

}  // namespace beak
