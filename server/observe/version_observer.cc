#include "server/observe/version_observer.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace beak {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds = {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3,
                                                          50e-3, 0.1,    0.2,    0.5,    1,    2,    5,    10};
const prometheus::Histogram::BucketBoundaries kRows = {1, 2, 4, 8, 16, 32, 64, 128};

// Where a request missed its deadline, or null where it did not.
const char* MissPlace(const RequestObservation& request) {
  if (request.outcome == absl::StatusCode::kDeadlineExceeded) {
    if (request.run_began) return "run";
    return request.left_queue ? "queue" : "arrival";
  }
  return request.outcome == absl::StatusCode::kOk && request.answered > request.deadline ? "answer" : nullptr;
}

uint64_t UnixMilliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

std::string OutcomeLabel(absl::StatusCode code) {
  std::string label = absl::StatusCodeToString(code);
  std::transform(label.begin(), label.end(), label.begin(), [](unsigned char c) { return std::tolower(c); });
  return label;
}

PrometheusObserver::PrometheusObserver(std::shared_ptr<Families> families, const std::string& model, int64_t version)
    : families_(std::move(families)),
      labels_(VersionLabels(model, version)),
      executed_late_(families_->executed_late.Add({})),
      request_seconds_(families_->request_seconds.Add(labels_, kSeconds)),
      queue_seconds_(families_->queue_seconds.Add(labels_, kSeconds)),
      compute_seconds_(families_->compute_seconds.Add(labels_, kSeconds)),
      batch_rows_(families_->batch_rows.Add(labels_, kRows)),
      load_seconds_(families_->load_seconds.Add(labels_)),
      programs_(families_->programs.Add(labels_)),
      weights_(families_->memory.Add(With(labels_, "kind", "weights"))) {
  Requests(absl::StatusCode::kOk);  // there from the start, so that a rate can be taken of the first request on
}

void PrometheusObserver::RemoveSeries() {
  families_->request_seconds.Remove(&request_seconds_);
  families_->queue_seconds.Remove(&queue_seconds_);
  families_->compute_seconds.Remove(&compute_seconds_);
  families_->batch_rows.Remove(&batch_rows_);
  families_->load_seconds.Remove(&load_seconds_);
  families_->programs.Remove(&programs_);
  families_->memory.Remove(&weights_);
  MutexLock lock(mutex_);
  for (const auto& [outcome, counter] : requests_) families_->requests.Remove(counter);
  for (const auto& [place, counter] : misses_) families_->deadline_misses.Remove(counter);
  for (const auto& [reason, counter] : refusals_) families_->refusals.Remove(counter);
  for (const auto& [program, gauge] : costs_) families_->cost_seconds.Remove(gauge);
  for (const auto& [result, counter] : cache_requests_) families_->cache_requests.Remove(counter);
}

prometheus::Counter& PrometheusObserver::Requests(absl::StatusCode outcome) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = requests_[outcome];
  if (!counter) counter = &families_->requests.Add(With(labels_, "outcome", OutcomeLabel(outcome)));
  return *counter;
}

prometheus::Counter& PrometheusObserver::Misses(const std::string& place) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = misses_[place];
  if (!counter) counter = &families_->deadline_misses.Add(With(labels_, "place", place));
  return *counter;
}

prometheus::Counter& PrometheusObserver::Refusals(const std::string& reason) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = refusals_[reason];
  if (!counter) counter = &families_->refusals.Add(With(labels_, "reason", reason));
  return *counter;
}

prometheus::Counter& PrometheusObserver::CacheRequests(const char* result) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = cache_requests_[result];
  if (!counter) counter = &families_->cache_requests.Add(With(labels_, "result", result));
  return *counter;
}

void PrometheusObserver::RecordRequest(const RequestObservation& request) {
  Requests(request.outcome).Increment();
  if (const char* place = MissPlace(request)) Misses(place).Increment();
  if (request.refusal != nullptr) Refusals(request.refusal).Increment();
  if (request.left_queue) queue_seconds_.Observe(Seconds(*request.left_queue - request.received));
  if (request.run_began && *request.run_began >= request.deadline) executed_late_.Increment();
  if (request.outcome == absl::StatusCode::kOk) request_seconds_.Observe(Seconds(request.answered - request.received));
  CountRequest(request);
}

void PrometheusObserver::CountRequest(const RequestObservation& request) {
  const std::chrono::nanoseconds total = request.answered - request.received;
  MutexLock lock(mutex_);
  if (request.run_began) statistics_.last_inference_ms = UnixMilliseconds();
  if (request.outcome != absl::StatusCode::kOk) {
    statistics_.fail.Add(total);
    return;
  }
  statistics_.success.Add(total);
  statistics_.inference_count += static_cast<uint64_t>(request.rows);
  if (request.left_queue) statistics_.queue.Add(*request.left_queue - request.received);
  if (!request.run_began) return;
  statistics_.compute_input.Add(request.compute.input);
  statistics_.compute_infer.Add(request.compute.infer);
  statistics_.compute_output.Add(request.compute.output);
}

void PrometheusObserver::RecordExecution(int64_t rows, const ComputeTimes& times) {
  compute_seconds_.Observe(Seconds(times.input + times.infer + times.output));
  batch_rows_.Observe(static_cast<double>(rows));
  MutexLock lock(mutex_);
  ++statistics_.execution_count;
  BatchStatistics& batch = statistics_.batches[rows];
  batch.compute_input.Add(times.input);
  batch.compute_infer.Add(times.infer);
  batch.compute_output.Add(times.output);
}

void PrometheusObserver::RecordCacheHit(std::chrono::nanoseconds duration) {
  CacheRequests("hit").Increment();
  MutexLock lock(mutex_);
  statistics_.cache_hit.Add(duration);
}

void PrometheusObserver::RecordCacheMiss(std::chrono::nanoseconds duration) {
  CacheRequests("miss").Increment();
  MutexLock lock(mutex_);
  statistics_.cache_miss.Add(duration);
}

void PrometheusObserver::SetCosts(const CostCurve& curve) {
  MutexLock lock(mutex_);
  for (const Cost& cost : curve.costs()) {
    prometheus::Gauge*& gauge = costs_[{cost.rows, cost.threads}];
    if (!gauge) {
      gauge = &families_->cost_seconds.Add(
          With(With(labels_, "rows", std::to_string(cost.rows)), "threads", std::to_string(cost.threads)));
    }
    gauge->Set(Seconds(cost.mean));
  }
}

VersionStatistics PrometheusObserver::statistics() const {
  MutexLock lock(mutex_);
  return statistics_;
}

}  // namespace beak
