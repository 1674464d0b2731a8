#include "server/predict/predictor.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/predict/ensemble_call.h"
#include "server/predict/network_call.h"
#include "server/predict/record.h"
#include "server/predict/validate.h"
#include "server/scheduling/policy.h"

namespace beak {
namespace {

// Ensembles in ensembles; more than this is a circle.
constexpr int kMaxDepth = 8;
// Loads of versions that something is known of, beyond which those are looked for that have gone.
constexpr size_t kManyLoads = 64;

absl::StatusOr<ValidRequest> Check(const ModelVersion& version, const PredictRequest& request, MonotonicTime now) {
  RETURN_IF_ERROR(request.decoded);
  // An ensemble leaves it to its steps how many rows they take at once.
  const bool split = version.options().split_oversized;
  ASSIGN_OR_RETURN(ValidRequest valid, Validate(version.signature(), split, request.inputs, request.outputs));
  if (now >= request.deadline) return absl::DeadlineExceededError("the deadline had passed when the request arrived");
  if (request.depth > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxDepth, " ensembles in each other, got more"));
  }
  return valid;
}

RequestObservation Observe(const PredictRequest& request, absl::StatusCode outcome, MonotonicTime now) {
  RequestObservation observation;
  observation.outcome = outcome;
  observation.received = request.received;
  observation.answered = now;
  observation.deadline = request.deadline;
  return observation;
}

// Answers a request that never got as far as the queue.
void TurnDown(const ModelVersion& version, const PredictRequest& request, const absl::Status& why, MonotonicTime now,
              const PredictDone& done) {
  RecordRequest(version, Observe(request, why.code(), now), request.trace, request.observed);
  done(Annotate(why, absl::StrCat("model '", request.model, "'")));
}

}  // namespace

std::shared_ptr<Prediction> Predictor::Start(const PredictRequest& request, PredictDone done) {
  const absl::StatusOr<Version> version = parts_.models.snapshot()->Find(request.model, request.version);
  if (!version.ok()) {
    parts_.metrics.RecordUnrouted(version.status().code());
    if (request.trace) {
      LogRequest(request.model, request.version, Observe(request, version.status().code(), parts_.clock.Now()),
                 *request.trace);
    }
    done(version.status());
    return nullptr;
  }
  const MonotonicTime now = parts_.clock.Now();
  PredictRequest timed = request;
  const std::chrono::nanoseconds default_deadline = (*version)->options().default_deadline;
  if (timed.deadline == kNever && default_deadline.count() > 0) timed.deadline = timed.received + default_deadline;
  if ((*version)->options().preserve_ordering) done = InOrder(*version, std::move(done));
  absl::StatusOr<ValidRequest> valid = Check(**version, timed, now);
  if (!valid.ok()) {
    TurnDown(**version, timed, valid.status(), now, done);
    return nullptr;
  }
  if ((*version)->options().cached) {
    done = Cached(*version, timed, valid->rows, std::move(done));
    if (!done) return nullptr;
  }
  return (*version)->ensemble() ? StartEnsemble(*version, timed, *std::move(valid), std::move(done))
                                : StartNetwork(*version, timed, *std::move(valid), std::move(done));
}

std::shared_ptr<Prediction> Predictor::StartNetwork(const Version& version, const PredictRequest& request,
                                                    ValidRequest valid, PredictDone done) {
  const std::shared_ptr<ModelWorkload> workload = workloads_.Get(version, valid.row_shapes);
  if (const absl::Status status = workload->PreparePrograms(options_.lanes); !status.ok()) {
    TurnDown(*version, request, status, parts_.clock.Now(), done);
    return nullptr;
  }
  const std::vector<int64_t> parts = SplitRows(valid.rows, version->max_batch_rows(), workload->costs().get());
  NetworkCall::About about;
  about.received = request.received;
  about.deadline = request.deadline;
  about.continues = request.continues;
  about.observed = request.observed;
  about.trace_number = parts_.tracer.BeginRequest(request.trace);
  about.trace = request.trace;
  if (about.trace_number != 0) about.id = request.id;
  const auto call =
      std::make_shared<NetworkCall>(version, std::move(valid), std::move(about),
                                    NetworkCall::Parts{parts_.scheduler, parts_.clock, parts_.tracer}, std::move(done));
  call->Submit(workload, parts, request.priority);
  // Whoever has meanwhile failed to prepare the programs may not have found these tasks.
  if (const absl::Status status = workload->PreparePrograms(options_.lanes); !status.ok()) {
    parts_.scheduler.RefuseAll(*workload, status);
  }
  return call;
}

std::shared_ptr<Prediction> Predictor::StartEnsemble(const Version& version, const PredictRequest& request,
                                                     ValidRequest valid, PredictDone done) {
  const auto start = [this](const PredictRequest& step, PredictDone step_done) {
    return Start(step, std::move(step_done));
  };
  const auto call =
      std::make_shared<EnsembleCall>(version, request, std::move(valid), start, parts_.clock, std::move(done));
  call->Start();
  return call;
}

PredictDone Predictor::Cached(const Version& version, const PredictRequest& request, int64_t rows, PredictDone done) {
  const MonotonicTime begin = parts_.clock.Now();
  const ResponseKey key = MakeResponseKey(version->model(), version->version(), version->load(), request);
  if (const std::shared_ptr<const PredictResponse> known = cache_.Find(key)) {
    const MonotonicTime now = parts_.clock.Now();
    RequestObservation observation = Observe(request, absl::StatusCode::kOk, now);
    observation.rows = rows;
    version->observer().RecordCacheHit(now - begin);
    RecordRequest(*version, observation, request.trace, request.observed);
    done(*known);
    return nullptr;
  }
  bool many = false;
  {
    MutexLock lock(mutex_);
    many = cached_.emplace(version->load(), version).second && cached_.size() > kManyLoads;
  }
  if (many) ForgetGone();
  const std::chrono::nanoseconds looked = parts_.clock.Now() - begin;
  // Points to what the request points to, which lives until `done` is called.
  return [this, version, request, looked, done = std::move(done)](absl::StatusOr<PredictResponse> response) {
    const MonotonicTime ready = parts_.clock.Now();
    if (response.ok()) {
      cache_.Insert(MakeResponseKey(version->model(), version->version(), version->load(), request), *response);
    }
    version->observer().RecordCacheMiss(looked + (parts_.clock.Now() - ready));
    done(std::move(response));
  };
}

PredictDone Predictor::InOrder(const Version& version, PredictDone done) {
  std::shared_ptr<AnswerOrder> order;
  {
    MutexLock lock(mutex_);
    if (orders_.size() > kManyLoads) std::erase_if(orders_, [](const auto& one) { return one.second.expired(); });
    std::weak_ptr<AnswerOrder>& held = orders_[version->load()];
    order = held.lock();
    if (!order) held = order = std::make_shared<AnswerOrder>();
  }
  return [order, number = order->Enter(), done = std::move(done)](absl::StatusOr<PredictResponse> response) {
    order->Leave(number, [done, response = std::move(response)]() mutable { done(std::move(response)); });
  };
}

void Predictor::ForgetGone() {
  std::vector<uint64_t> gone;
  {
    MutexLock lock(mutex_);
    for (auto it = cached_.begin(); it != cached_.end();) {
      if (it->second.expired()) gone.push_back(it->first);
      it = it->second.expired() ? cached_.erase(it) : std::next(it);
    }
    std::erase_if(orders_, [](const auto& order) { return order.second.expired(); });
  }
  for (const uint64_t load : gone) cache_.Forget(load);
}

void Predictor::RefreshMetrics() {
  ForgetGone();
  const ResponseCache::Statistics statistics = cache_.statistics();
  parts_.metrics.SetCache(statistics.entries, statistics.bytes, statistics.evictions);
}

}  // namespace beak
