#include "server/predict/ensemble_call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/retry_after.h"
#include "engine/base/status.h"
#include "engine/tensor/shape.h"
#include "server/models/datatypes.h"
#include "server/predict/average.h"
#include "server/predict/classify.h"
#include "server/predict/record.h"

namespace beak {
namespace {

// With the step's place in front; a hint when to try again stays.
absl::Status AtStep(const Ensemble& ensemble, size_t step, const absl::Status& status) {
  const absl::Status placed = Annotate(status, absl::StrCat(ensemble.average ? "member " : "step ", step + 1,
                                                            " (model '", ensemble.steps[step].model, "')"));
  const auto retry = RetryAfter(status);
  return retry ? WithRetryAfter(placed, *retry) : placed;
}

std::span<const std::byte> BytesOf(const OutputTensor& tensor) { return std::as_bytes(std::span(tensor.data)); }

}  // namespace

EnsembleCall::EnsembleCall(std::shared_ptr<const ModelVersion> version, const PredictRequest& whole,
                           ValidRequest request, StartStep start, const Clock& clock, PredictDone done)
    : version_(std::move(version)),
      whole_(whole),
      request_(std::move(request)),
      start_(std::move(start)),
      clock_(clock),
      done_(std::move(done)),
      progress_(ensemble().steps.size(), Progress::kWaiting),
      predictions_(ensemble().steps.size()),
      results_(ensemble().steps.size()),
      observed_(ensemble().steps.size()) {
  for (const InputTensor& input : whole_.inputs) {
    values_[std::string(input.name)] = {input.dtype, input.shape, input.data};
  }
}

void EnsembleCall::Start() {
  StartReady();
  AnswerIfOver();  // it may have been cancelled before
}

void EnsembleCall::Cancel() {
  std::vector<std::shared_ptr<Prediction>> predictions;
  {
    MutexLock lock(mutex_);
    cancelled_ = true;
    predictions = predictions_;
  }
  for (const std::shared_ptr<Prediction>& prediction : predictions) {
    if (prediction) prediction->Cancel();
  }
}

// A step may be over before it has been started, in the very call; then its successor has been started by it.
void EnsembleCall::StartReady() {
  while (true) {
    size_t step = 0;
    PredictRequest request;
    {
      MutexLock lock(mutex_);
      if (cancelled_ || !status_.ok()) break;
      while (step < progress_.size() && !IsReady(step)) ++step;
      if (step == progress_.size()) break;
      request = StepRequest(step);
      progress_[step] = Progress::kRunning;
      request.observed = &observed_[step];
    }
    const std::shared_ptr<Prediction> prediction =
        start_(request, [self = shared_from_this(), step](absl::StatusOr<PredictResponse> response) {
          self->StepDone(step, std::move(response));
        });
    bool unwanted = false;
    {
      MutexLock lock(mutex_);
      if (progress_[step] == Progress::kRunning) predictions_[step] = prediction;
      unwanted = cancelled_ || !status_.ok();
    }
    if (unwanted && prediction) prediction->Cancel();
  }
}

bool EnsembleCall::IsReady(size_t step) const {
  if (progress_[step] != Progress::kWaiting) return false;
  const auto& inputs = ensemble().steps[step].inputs;
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](const auto& input) REQUIRES(mutex_) { return values_.count(input.second) > 0; });
}

bool EnsembleCall::Started() const {
  return std::any_of(progress_.begin(), progress_.end(), [](Progress step) { return step != Progress::kWaiting; });
}

PredictRequest EnsembleCall::StepRequest(size_t step) const {
  const Ensemble::Step& from = ensemble().steps[step];
  PredictRequest request;
  request.model = from.model;
  request.version = from.version;
  for (const auto& [name, tensor] : from.inputs) {
    const Value& value = values_.at(tensor);
    request.inputs.push_back({name, value.dtype, value.shape, value.data});
  }
  for (const auto& [name, tensor] : from.outputs) request.outputs.push_back({name, 0});
  request.received = clock_.Now();
  request.deadline = whole_.deadline;
  request.priority = whole_.priority;
  request.depth = whole_.depth + 1;
  request.continues = whole_.continues || Started();
  request.id = whole_.id;
  request.trace = whole_.trace;
  return request;
}

void EnsembleCall::Keep(size_t step, PredictResponse response) {
  results_[step] = std::move(response.outputs);
  if (ensemble().average) return;
  const auto& outputs = ensemble().steps[step].outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const OutputTensor& tensor = results_[step][i];
    values_[outputs[i].second] = {tensor.dtype, tensor.shape, BytesOf(tensor)};
  }
}

void EnsembleCall::StepDone(size_t step, absl::StatusOr<PredictResponse> response) {
  std::vector<std::shared_ptr<Prediction>> others;
  {
    MutexLock lock(mutex_);
    progress_[step] = Progress::kDone;
    predictions_[step] = nullptr;
    if (response.ok()) {
      Keep(step, *std::move(response));
    } else if (status_.ok()) {
      status_ = AtStep(ensemble(), step, response.status());
      failed_ = step;
      others = predictions_;
    }
  }
  for (const std::shared_ptr<Prediction>& other : others) {
    if (other) other->Cancel();
  }
  StartReady();
  AnswerIfOver();
}

// While no step runs, one may be about to be started, by the thread that has just ended what it takes.
bool EnsembleCall::IsOver() const {
  const auto any = [&](Progress progress) REQUIRES(mutex_) {
    return std::find(progress_.begin(), progress_.end(), progress) != progress_.end();
  };
  return !any(Progress::kRunning) && (cancelled_ || !status_.ok() || !any(Progress::kWaiting));
}

void EnsembleCall::AnswerIfOver() {
  absl::StatusOr<PredictResponse> result = absl::UnknownError("");
  RequestObservation observation;
  {
    MutexLock lock(mutex_);
    if (!IsOver() || std::exchange(answered_, true)) return;
    result = Result();
    observation = Observe();
  }
  observation.outcome = result.status().code();
  observation.answered = clock_.Now();
  RecordRequest(*version_, observation, whole_.trace, whole_.observed);
  done_(std::move(result));
}

// It has got as far as the step that failed. Otherwise it left the queue with the first step that did, ran with the
// last, and computed what they all did.
RequestObservation EnsembleCall::Observe() const {
  RequestObservation whole;
  whole.rows = request_.rows;
  whole.received = whole_.received;
  whole.deadline = whole_.deadline;
  for (size_t step = 0; step < observed_.size(); ++step) {
    if (progress_[step] != Progress::kDone || step != failed_.value_or(step)) continue;
    const RequestObservation& one = observed_[step];
    if (one.left_queue) whole.left_queue = std::min(whole.left_queue.value_or(*one.left_queue), *one.left_queue);
    if (one.run_began) whole.run_began = std::max(whole.run_began.value_or(*one.run_began), *one.run_began);
    whole.compute.input += one.compute.input;
    whole.compute.infer += one.compute.infer;
    whole.compute.output += one.compute.output;
    if (failed_) whole.refusal = one.refusal;
  }
  return whole;
}

absl::StatusOr<PredictResponse> EnsembleCall::Result() {
  RETURN_IF_ERROR(status_);
  if (cancelled_) return absl::CancelledError("the request was cancelled between the steps of an ensemble");
  if (ensemble().average) RETURN_IF_ERROR(AverageSteps());
  PredictResponse response{version_->model(), version_->version(), {}};
  for (const ValidRequest::Output& wanted : request_.outputs) {
    ASSIGN_OR_RETURN(OutputTensor output, TakeOutput(wanted));
    response.outputs.push_back(std::move(output));
  }
  return response;
}

absl::Status EnsembleCall::AverageSteps() {
  std::vector<double> weights;
  for (const Ensemble::Step& step : ensemble().steps) weights.push_back(step.weight);
  const auto& outputs = ensemble().steps[0].outputs;
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::vector<const OutputTensor*> tensors;
    for (const std::vector<OutputTensor>& result : results_) tensors.push_back(&result[i]);
    OutputTensor& mean = means_.emplace_back();
    RETURN_IF_ERROR(Average(tensors, weights, &mean));
    values_[outputs[i].second] = {mean.dtype, mean.shape, BytesOf(mean)};
  }
  return absl::OkStatus();
}

// Steps may give something else than was declared: other versions of theirs may have been loaded meanwhile.
absl::Status EnsembleCall::CheckOutput(const TensorSignature& tensor, const Value& value) const {
  std::vector<int64_t> expected = tensor.dims;
  if (version_->signature().batched()) expected.insert(expected.begin(), request_.rows);
  const bool fits = std::equal(expected.begin(), expected.end(), value.shape.begin(), value.shape.end(),
                               [](int64_t declared, int64_t size) { return declared == kFreeDim || declared == size; });
  if (fits && value.dtype == tensor.dtype) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("output '", tensor.name, "': expected what the configuration declares, ", ProtocolName(tensor.dtype),
                   " of shape ", ToString(expected), ", got ", value.dtype ? ProtocolName(*value.dtype) : "strings",
                   " of shape ", ToString(value.shape)));
}

absl::StatusOr<OutputTensor> EnsembleCall::TakeOutput(const ValidRequest::Output& wanted) const {
  const Signature& signature = version_->signature();
  const TensorSignature& tensor = signature.outputs[static_cast<size_t>(wanted.index)];
  const Value& value = values_.at(tensor.name);
  RETURN_IF_ERROR(CheckOutput(tensor, value));
  OutputTensor output{tensor.name, value.dtype, value.shape, "", {}};
  if (wanted.classes == 0) {
    output.data.assign(reinterpret_cast<const char*>(value.data.data()), value.data.size());
    return output;
  }
  output.dtype = std::nullopt;
  output.strings = TopClasses(*value.dtype, value.data, request_.rows, wanted.classes, tensor.labels);
  output.shape = {static_cast<int64_t>(output.strings.size()) / request_.rows};
  if (signature.batched()) output.shape.insert(output.shape.begin(), request_.rows);
  return output;
}

}  // namespace beak
