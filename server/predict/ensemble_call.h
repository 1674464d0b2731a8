#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/models/ensemble.h"
#include "server/models/model_version.h"
#include "server/observe/statistics.h"
#include "server/predict/prediction.h"
#include "server/predict/request.h"
#include "server/predict/validate.h"

namespace beak {

// A checked request to an ensemble. Its steps are requests like any others, started as soon as what they take is there;
// they share the deadline. Answered, and recorded, once, when no step runs any more; the first failure cancels the
// rest. *Thread-safe.*
class EnsembleCall final : public Prediction, public std::enable_shared_from_this<EnsembleCall> {
 public:
  // How a step is started: Predictor::Start.
  using StartStep = std::function<std::shared_ptr<Prediction>(const PredictRequest&, PredictDone)>;

  // `whole` is the request as it came, with the deadline that counts; what it points to lives until the answer.
  // REQUIRES: an ensemble.
  EnsembleCall(std::shared_ptr<const ModelVersion> version, const PredictRequest& whole, ValidRequest request,
               StartStep start, const Clock& clock, PredictDone done);

  // Call once.
  void Start();
  void Cancel() override;

 private:
  // A tensor that is there: the client's, or a step's.
  struct Value {
    std::optional<DType> dtype;
    std::vector<int64_t> shape;
    std::span<const std::byte> data;
  };
  enum class Progress { kWaiting, kRunning, kDone };

  const Ensemble& ensemble() const { return *version_->ensemble(); }
  void StartReady() EXCLUDES(mutex_);
  void StepDone(size_t step, absl::StatusOr<PredictResponse> response) EXCLUDES(mutex_);
  void AnswerIfOver() EXCLUDES(mutex_);
  bool IsOver() const REQUIRES(mutex_);
  bool IsReady(size_t step) const REQUIRES(mutex_);
  bool Started() const REQUIRES(mutex_);  // some step has been
  PredictRequest StepRequest(size_t step) const REQUIRES(mutex_);
  void Keep(size_t step, PredictResponse response) REQUIRES(mutex_);
  absl::StatusOr<PredictResponse> Result() REQUIRES(mutex_);
  RequestObservation Observe() const REQUIRES(mutex_);
  absl::Status AverageSteps() REQUIRES(mutex_);
  absl::Status CheckOutput(const TensorSignature& tensor, const Value& value) const;
  absl::StatusOr<OutputTensor> TakeOutput(const ValidRequest::Output& wanted) const REQUIRES(mutex_);

  const std::shared_ptr<const ModelVersion> version_;
  const PredictRequest whole_;
  const ValidRequest request_;
  const StartStep start_;
  const Clock& clock_;
  const PredictDone done_;

  mutable Mutex mutex_;
  std::vector<Progress> progress_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Prediction>> predictions_ GUARDED_BY(mutex_);  // by step
  std::vector<std::vector<OutputTensor>> results_ GUARDED_BY(mutex_);        // of steps, in the order of their outputs
  std::map<std::string, Value> values_ GUARDED_BY(mutex_);                   // by the ensemble's names
  std::deque<OutputTensor> means_ GUARDED_BY(mutex_);
  bool cancelled_ GUARDED_BY(mutex_) = false;
  bool answered_ GUARDED_BY(mutex_) = false;
  absl::Status status_ GUARDED_BY(mutex_);           // the first failure
  std::optional<size_t> failed_ GUARDED_BY(mutex_);  // the step that it is of
  std::vector<RequestObservation> observed_;         // by step; each one's own until that is done
};

}  // namespace beak
