#include "client/train_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/channel.h"
#include "client/retry.h"
#include "client/unary_call.h"
#include "proto/beak/v1/service/train_service.grpc.pb.h"
#include "proto/wire/status.h"

namespace beak::client {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

using Async = v1::TrainService::StubInterface::async_interface;

// A job may be silent for long. A server that has vanished without a word is noticed after these and 20 s more.
constexpr std::chrono::seconds kKeepalive(30);
// A watch that has lasted so long was a good one: the next begins soon.
constexpr std::chrono::seconds kGoodWatch(5);
// Longer than this is for ever; it can be added to a clock without overflow.
constexpr nanoseconds kLongest = std::chrono::hours(24 * 365);

RetryOptions WatchRetries() {
  RetryOptions options;
  options.max_attempts = std::numeric_limits<int>::max();
  options.initial_backoff = std::chrono::milliseconds(100);
  options.max_backoff = std::chrono::seconds(3);
  return options;
}

std::string RandomId() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) absl::StrAppend(&id, absl::Hex(random(), absl::kZeroPad8));
  return id;
}

double UniformRandom() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

template <typename Request>
Request ForJob(const std::string& id) {
  Request request;
  request.set_id(id);
  return request;
}

}  // namespace

struct TrainClient::Stub {
  std::unique_ptr<v1::TrainService::Stub> train;
};

// Watches jobs, each on its caller's thread. *Thread-safe.*
class TrainClient::Watches {
 public:
  // See WatchJob.
  absl::StatusOr<v1::TrainJob> Watch(const Channel& channel, v1::TrainService::Stub& stub, const std::string& id,
                                     const OnUpdate& on_update, const WatchOptions& options);

  void Stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
    stop_.notify_all();
  }

 private:
  // What the calls of a watch have told.
  struct Told {
    bool anything = false;  // by the last call
    v1::TrainJob job;       // the last; a change of state comes without epochs
    std::map<int64_t, v1::EpochReport> epochs;

    void Add(const v1::TrainJobUpdate& update);
    v1::TrainJob JobWithEpochs() &&;
  };

  // One call; how it ended.
  absl::Status Call(const Channel& channel, v1::TrainService::Stub& stub, const std::string& id,
                    steady_clock::time_point deadline, const OnUpdate& on_update, Told* told);
  bool Begin(grpc::ClientContext* context) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!stopped_) contexts_.insert(context);
    return !stopped_;
  }
  void End(grpc::ClientContext* context) {
    const std::lock_guard<std::mutex> lock(mutex_);
    contexts_.erase(context);
  }
  void Wait(nanoseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    stop_.wait_for(lock, time, [this] { return stopped_; });
  }

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopped_ = false;                     // guarded by mutex_
  std::set<grpc::ClientContext*> contexts_;  // of calls that are running; guarded by mutex_
};

absl::StatusOr<v1::TrainJob> TrainClient::Watches::Watch(const Channel& channel, v1::TrainService::Stub& stub,
                                                         const std::string& id, const OnUpdate& on_update,
                                                         const WatchOptions& options) {
  const nanoseconds time = options.deadline > nanoseconds(0) ? std::min(options.deadline, kLongest) : kLongest;
  const steady_clock::time_point deadline = steady_clock::now() + time;
  steady_clock::time_point patience_ends = steady_clock::now() + std::min(options.patience, kLongest);
  const RetryOptions retries = WatchRetries();
  FailedAttempt failed;
  failed.number = 0;
  Told told;
  while (true) {
    const steady_clock::time_point begun = steady_clock::now();
    absl::Status status = Call(channel, stub, id, deadline, on_update, &told);
    if (status.ok() && HasEnded(told.job)) return std::move(told).JobWithEpochs();
    if (status.ok()) status = absl::UnavailableError("watch: expected to hear of the job's end, got nothing");
    if (status.code() != absl::StatusCode::kUnavailable) return status;

    const steady_clock::time_point now = steady_clock::now();
    failed.number = now - begun > kGoodWatch ? 1 : failed.number + 1;
    if (failed.number == 1 && options.on_lost) options.on_lost(status);
    if (told.anything) patience_ends = now + std::min(options.patience, kLongest);
    failed.time_left = std::min(deadline, patience_ends) - now;
    failed.random = UniformRandom();
    const std::optional<nanoseconds> delay = RetryDelay(retries, failed);
    if (!delay) return deadline <= patience_ends ? absl::DeadlineExceededError("the job has not ended") : status;
    Wait(*delay);
  }
}

void TrainClient::Watches::Told::Add(const v1::TrainJobUpdate& update) {
  anything = true;
  if (update.has_epoch()) epochs[update.epoch().epoch()] = update.epoch();
  if (!update.has_job()) return;
  job = update.job();
  for (const v1::EpochReport& epoch : job.epoch()) epochs[epoch.epoch()] = epoch;
}

v1::TrainJob TrainClient::Watches::Told::JobWithEpochs() && {
  job.clear_epoch();
  for (auto& [number, epoch] : epochs) *job.add_epoch() = std::move(epoch);
  return std::move(job);
}

absl::Status TrainClient::Watches::Call(const Channel& channel, v1::TrainService::Stub& stub, const std::string& id,
                                        steady_clock::time_point deadline, const OnUpdate& on_update, Told* told) {
  grpc::ClientContext context;
  const auto left = std::chrono::duration_cast<system_clock::duration>(deadline - steady_clock::now());
  context.set_deadline(system_clock::now() + left);
  channel.Authorize(context);
  told->anything = false;
  if (!Begin(&context)) return absl::CancelledError("the watch was stopped");
  const auto reader = stub.WatchTrainJob(&context, ForJob<v1::WatchTrainJobRequest>(id));
  v1::TrainJobUpdate update;
  while (reader->Read(&update)) {
    told->Add(update);
    if (on_update) on_update(update);
  }
  const absl::Status status = wire::FromGrpcStatus(reader->Finish());
  End(&context);
  return status;
}

bool HasEnded(const v1::TrainJob& job) {
  return job.state() == v1::TrainJob::SUCCEEDED || job.state() == v1::TrainJob::FAILED ||
         job.state() == v1::TrainJob::CANCELLED;
}

absl::StatusOr<std::unique_ptr<TrainClient>> TrainClient::Connect(const std::string& address,
                                                                  const ClientOptions& options) {
  ClientOptions adjusted = options;
  if (adjusted.keepalive <= nanoseconds(0)) adjusted.keepalive = kKeepalive;
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Connect(address, adjusted);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<TrainClient>(new TrainClient(*std::move(channel)));
}

TrainClient::TrainClient(std::unique_ptr<Channel> channel)
    : stub_(new Stub{v1::TrainService::NewStub(channel->grpc_channel())}),
      watches_(new Watches()),
      channel_(std::move(channel)) {}

TrainClient::~TrainClient() = default;

absl::StatusOr<v1::TrainJob> TrainClient::CreateJob(const v1::TrainJobSpec& spec, const std::string& request_id,
                                                    const CallOptions& options) {
  v1::CreateTrainJobRequest request;
  request.set_request_id(request_id.empty() ? RandomId() : request_id);
  *request.mutable_spec() = spec;
  return Call<Async, v1::CreateTrainJobRequest, v1::TrainJob>(*channel_, options, stub_->train->async(),
                                                              &Async::CreateTrainJob, std::move(request));
}

absl::Status TrainClient::CheckJob(const v1::TrainJobSpec& spec, const CallOptions& options) {
  v1::CreateTrainJobRequest request;
  *request.mutable_spec() = spec;
  request.set_validate_only(true);
  return Call<Async, v1::CreateTrainJobRequest, v1::TrainJob>(*channel_, options, stub_->train->async(),
                                                              &Async::CreateTrainJob, std::move(request))
      .status();
}

absl::StatusOr<v1::TrainJob> TrainClient::GetJob(const std::string& id, const CallOptions& options) {
  return Call<Async, v1::GetTrainJobRequest, v1::TrainJob>(*channel_, options, stub_->train->async(),
                                                           &Async::GetTrainJob, ForJob<v1::GetTrainJobRequest>(id));
}

absl::StatusOr<v1::ListTrainJobsResponse> TrainClient::ListJobs(const v1::ListTrainJobsRequest& request,
                                                                const CallOptions& options) {
  return Call<Async, v1::ListTrainJobsRequest, v1::ListTrainJobsResponse>(*channel_, options, stub_->train->async(),
                                                                          &Async::ListTrainJobs, request);
}

absl::StatusOr<std::vector<v1::TrainJob>> TrainClient::ListAllJobs(const v1::ListTrainJobsRequest& request,
                                                                   const CallOptions& options) {
  std::vector<v1::TrainJob> jobs;
  v1::ListTrainJobsRequest next = request;
  while (true) {
    absl::StatusOr<v1::ListTrainJobsResponse> page = ListJobs(next, options);
    if (!page.ok()) return page.status();
    for (v1::TrainJob& job : *page->mutable_job()) jobs.push_back(std::move(job));
    if (page->next_page_token().empty()) return jobs;
    if (page->next_page_token() == next.page_token()) {
      return absl::InternalError("list of jobs: expected another page, got the same again");
    }
    next.set_page_token(page->next_page_token());
  }
}

absl::StatusOr<v1::TrainJob> TrainClient::WatchJob(const std::string& id, const OnUpdate& on_update,
                                                   const WatchOptions& options) {
  return watches_->Watch(*channel_, *stub_->train, id, on_update, options);
}

absl::StatusOr<v1::TrainJob> TrainClient::WaitUntilDone(const std::string& id, nanoseconds deadline) {
  WatchOptions options;
  options.deadline = deadline;
  return WatchJob(id, nullptr, options);
}

void TrainClient::StopWatching() { watches_->Stop(); }

absl::StatusOr<v1::TrainJob> TrainClient::CancelJob(const std::string& id, const CallOptions& options) {
  return Call<Async, v1::CancelTrainJobRequest, v1::TrainJob>(
      *channel_, options, stub_->train->async(), &Async::CancelTrainJob, ForJob<v1::CancelTrainJobRequest>(id));
}

absl::Status TrainClient::DeleteJob(const std::string& id, const CallOptions& options) {
  return Call<Async, v1::DeleteTrainJobRequest, v1::DeleteTrainJobResponse>(
             *channel_, options, stub_->train->async(), &Async::DeleteTrainJob, ForJob<v1::DeleteTrainJobRequest>(id))
      .status();
}

}  // namespace beak::client
