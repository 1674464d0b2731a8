#include "server/grpc/train_service.h"

#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "proto/beak/v1/service/train_service.grpc.pb.h"
#include "proto/wire/status.h"
#include "server/grpc/call_context.h"
#include "server/grpc/watch_queue.h"
#include "server/jobs/job_manager.h"

namespace beak {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
// Of updates that wait for one who watches: many times what a job can say while a network is slow.
constexpr int64_t kMaxWaitingBytes = int64_t{16} << 20;

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

ServerUnaryReactor* Answer(CallbackServerContext* context, const absl::Status& status) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToFinalStatus(status, *context));
  return reactor;
}

// The same with what there is to answer.
template <typename Response>
ServerUnaryReactor* Answer(CallbackServerContext* context, absl::StatusOr<Response> result, Response* response) {
  if (result.ok()) *response = *std::move(result);
  return Answer(context, result.status());
}

absl::StatusOr<JobFilter> ToFilter(const v1::ListTrainJobsRequest& request) {
  JobFilter filter;
  filter.model = request.model();
  for (const int state : request.state()) {
    if (!v1::TrainJob::State_IsValid(state) || state == v1::TrainJob::UNKNOWN) {
      return absl::InvalidArgumentError(absl::StrCat("state: expected one that a job can be in, got ", state));
    }
    filter.states.push_back(static_cast<v1::TrainJob::State>(state));
  }
  return filter;
}

absl::StatusOr<int> ToPageSize(int page_size) {
  if (page_size < 0) return absl::InvalidArgumentError(absl::StrCat("page_size: expected 0 or more, got ", page_size));
  return page_size == 0 ? kDefaultPageSize : std::min(page_size, kMaxPageSize);
}

absl::StatusOr<v1::ListTrainJobsResponse> List(const JobManager& jobs, const v1::ListTrainJobsRequest& request) {
  ASSIGN_OR_RETURN(const JobFilter filter, ToFilter(request));
  ASSIGN_OR_RETURN(const int page_size, ToPageSize(request.page_size()));
  ASSIGN_OR_RETURN(JobPage page, jobs.ListJobs(filter, page_size, request.page_token()));
  v1::ListTrainJobsResponse response;
  for (v1::TrainJob& job : page.jobs) *response.add_job() = std::move(job);
  response.set_next_page_token(page.next_page_token);
  return response;
}

// One WatchTrainJob call. Shared by the service's list, until gRPC says that the call is over, and by whoever is
// telling it something. *Thread-safe.*
class Watcher final : public grpc::ServerWriteReactor<v1::TrainJobUpdate>, public JobListener {
 public:
  // `over` is told when gRPC is done with the call.
  explicit Watcher(std::function<void(Watcher*)> over) : over_(std::move(over)) {}

  void OnJob(const v1::TrainJob& job) override {
    v1::TrainJobUpdate update;
    *update.mutable_job() = job;
    Tell(update);
  }
  void OnProgress(const v1::TrainProgress& progress) override {
    v1::TrainJobUpdate update;
    *update.mutable_progress() = progress;
    Tell(update);
  }
  void OnEpoch(const v1::EpochReport& epoch) override {
    v1::TrainJobUpdate update;
    *update.mutable_epoch() = epoch;
    Tell(update);
  }
  void OnNotice(const std::string& notice) override {
    v1::TrainJobUpdate update;
    update.set_notice(notice);
    Tell(update);
  }
  // A watch that ends well is one that has seen the job's end.
  void OnEnd(const absl::Status& status) override { End(status.ok() ? ShuttingDown() : status); }

  // Ends the call when all has been sent that waits.
  void End(const absl::Status& status) {
    {
      MutexLock lock(mutex_);
      queue_.End(status);
    }
    Step();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
      if (!ok) queue_.Abandon();
    }
    Step();
  }
  void OnCancel() override {
    {
      MutexLock lock(mutex_);
      queue_.Abandon();
    }
    Step();
  }
  void OnDone() override { over_(this); }

 private:
  enum class Next { kNothing, kWrite, kFinish };

  void Tell(const v1::TrainJobUpdate& update) {
    {
      MutexLock lock(mutex_);
      queue_.Add(update);
    }
    Step();
  }

  // gRPC is called without the lock held: the decision below is made by one thread at a time and taken back by none.
  void Step() {
    absl::Status end;
    switch (Decide(&end)) {
      case Next::kWrite:
        StartWrite(&update_);
        break;
      case Next::kFinish:
        Finish(wire::ToGrpcStatus(end));
        break;
      case Next::kNothing:
        break;
    }
  }

  Next Decide(absl::Status* end) {
    MutexLock lock(mutex_);
    if (writing_ || finished_) return Next::kNothing;
    if (std::optional<v1::TrainJobUpdate> update = queue_.Take()) {
      update_ = *std::move(update);
      writing_ = true;
      return Next::kWrite;
    }
    if (!queue_.end()) return Next::kNothing;
    *end = *queue_.end();
    finished_ = true;
    return Next::kFinish;
  }

  const std::function<void(Watcher*)> over_;

  Mutex mutex_;
  WatchQueue queue_ GUARDED_BY(mutex_){kMaxWaitingBytes};
  bool writing_ GUARDED_BY(mutex_) = false;   // update_ belongs to gRPC
  bool finished_ GUARDED_BY(mutex_) = false;  // Finish has been, or is being, called
  v1::TrainJobUpdate update_;
};

class TrainServiceImpl final : public TrainService, public v1::TrainService::CallbackService {
 public:
  TrainServiceImpl(const Guard& guard, JobManager* jobs, OpenCalls& calls)
      : guard_(guard), jobs_(jobs), calls_(calls) {}

  grpc::Service* service() override { return this; }

  // Answered when the manager says so: checking a job takes its time.
  ServerUnaryReactor* CreateTrainJob(CallbackServerContext* context, const v1::CreateTrainJobRequest* request,
                                     v1::TrainJob* response) override {
    Caller caller;
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, "/beak.v1.TrainService/CreateTrainJob", &caller))
      return refused;
    if (jobs_ == nullptr) return Answer(context, NoJobs());
    ServerUnaryReactor* reactor = context->DefaultReactor();  // once: a second call would make it anew
    jobs_->CreateJob(request->request_id(), request->spec(), request->validate_only(),
                     [reactor, context, response, caller, dry = request->validate_only(),
                      call = std::make_shared<OpenCalls::Call>(calls_)](absl::StatusOr<v1::TrainJob> job) {
                       if (!dry) Audit("create", "job", job.ok() ? job->id() : "", caller, job.status());
                       if (job.ok()) *response = *std::move(job);
                       reactor->Finish(ToFinalStatus(job.status(), *context));
                     });
    return reactor;
  }

  ServerUnaryReactor* GetTrainJob(CallbackServerContext* context, const v1::GetTrainJobRequest* request,
                                  v1::TrainJob* response) override {
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, "/beak.v1.TrainService/GetTrainJob"))
      return refused;
    if (jobs_ == nullptr) return Answer(context, NoJobs());
    return Answer(context, jobs_->GetJob(request->id()), response);
  }

  ServerUnaryReactor* ListTrainJobs(CallbackServerContext* context, const v1::ListTrainJobsRequest* request,
                                    v1::ListTrainJobsResponse* response) override {
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, "/beak.v1.TrainService/ListTrainJobs"))
      return refused;
    if (jobs_ == nullptr) return Answer(context, NoJobs());
    return Answer(context, List(*jobs_, *request), response);
  }

  ServerUnaryReactor* CancelTrainJob(CallbackServerContext* context, const v1::CancelTrainJobRequest* request,
                                     v1::TrainJob* response) override {
    Caller caller;
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, "/beak.v1.TrainService/CancelTrainJob", &caller))
      return refused;
    if (jobs_ == nullptr) return Answer(context, NoJobs());
    absl::StatusOr<v1::TrainJob> job = jobs_->CancelJob(request->id());
    Audit("cancel", "job", request->id(), caller, job.status());
    return Answer(context, std::move(job), response);
  }

  ServerUnaryReactor* DeleteTrainJob(CallbackServerContext* context, const v1::DeleteTrainJobRequest* request,
                                     v1::DeleteTrainJobResponse*) override {
    Caller caller;
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, "/beak.v1.TrainService/DeleteTrainJob", &caller))
      return refused;
    if (jobs_ == nullptr) return Answer(context, NoJobs());
    const absl::Status deleted = jobs_->DeleteJob(request->id());
    Audit("delete", "job", request->id(), caller, deleted);
    return Answer(context, deleted);
  }

  grpc::ServerWriteReactor<v1::TrainJobUpdate>* WatchTrainJob(CallbackServerContext* context,
                                                              const v1::WatchTrainJobRequest* request) override {
    using Reactor = grpc::ServerWriteReactor<v1::TrainJobUpdate>;
    if (auto* refused = guard_.Refuse<Reactor>(*context, "/beak.v1.TrainService/WatchTrainJob")) return refused;
    const auto watcher = std::make_shared<Watcher>([this](Watcher* over) { Forget(over); });
    {
      MutexLock lock(mutex_);
      watchers_.emplace(watcher.get(), watcher);
    }
    // What gRPC is asked for before it has the reactor waits until then.
    const absl::Status watching = jobs_ == nullptr ? NoJobs() : jobs_->WatchJob(request->id(), watcher);
    if (!watching.ok()) watcher->End(watching);
    if (ended_) watcher->End(ShuttingDown());
    return watcher.get();
  }

  void EndWatches() override {
    ended_ = true;
    std::map<Watcher*, std::shared_ptr<Watcher>> watchers;
    {
      MutexLock lock(mutex_);
      watchers = watchers_;
    }
    for (const auto& [key, watcher] : watchers) watcher->End(ShuttingDown());
  }

 private:
  static absl::Status NoJobs() {
    return absl::FailedPreconditionError(
        "train jobs: expected a server with --data-dir, --state-dir and --model-repository, got one that lacks some");
  }

  void Forget(Watcher* over) {
    std::shared_ptr<Watcher> last;  // destroyed after the lock is released
    MutexLock lock(mutex_);
    const auto watcher = watchers_.find(over);
    last.swap(watcher->second);
    watchers_.erase(watcher);
  }

  const Guard& guard_;
  JobManager* const jobs_;
  OpenCalls& calls_;
  std::atomic<bool> ended_{false};
  Mutex mutex_;
  std::map<Watcher*, std::shared_ptr<Watcher>> watchers_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<TrainService> TrainService::Create(const Guard& guard, JobManager* jobs, OpenCalls& calls) {
  return std::make_unique<TrainServiceImpl>(guard, jobs, calls);
}

}  // namespace beak
