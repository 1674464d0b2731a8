#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"

namespace beak::v1 {
class ListTrainJobsRequest;   // proto/beak/v1/service/train_service.pb.h, as are
class ListTrainJobsResponse;  // these
class TrainJobUpdate;
class TrainJob;  // proto/beak/v1/train.pb.h, as is
class TrainJobSpec;
}  // namespace beak::v1

namespace beak::client {

struct WatchOptions {
  // How long it may take; zero: as long as the job does.
  std::chrono::nanoseconds deadline{0};
  // For how long the server may be away, because it is restarted or cannot be reached, before the watch gives up.
  std::chrono::nanoseconds patience = std::chrono::minutes(5);
  // Told whenever the server goes away, and why; the watch goes on when it is back.
  std::function<void(const absl::Status&)> on_lost;
};

// Whether nothing more becomes of a job.
bool HasEnded(const v1::TrainJob& job);

// A connection to the train jobs of one Beak server. What goes into the calls and comes out of them are the messages of
// proto/beak/v1/train.proto. *Thread-safe.*
//
// Errors are the server's, code and text, and otherwise as those of Client. A call that fails with UNAVAILABLE is made
// again, so that one whose answer was lost may find its work done: CancelJob says FAILED_PRECONDITION then, DeleteJob
// NOT_FOUND.
class TrainClient {
 public:
  // See Client::Connect.
  static absl::StatusOr<std::unique_ptr<TrainClient>> Connect(const std::string& address,
                                                              const ClientOptions& options = {});

  // Waits until the calls that are running have ended. None may be watching.
  ~TrainClient();
  TrainClient(const TrainClient&) = delete;
  TrainClient& operator=(const TrainClient&) = delete;

  // Has the server check the whole job, which may take half a minute, and queue it. The same `request_id` again gives
  // the same job; empty: one is drawn by chance, the same for all attempts of this call, so that there is one job
  // however often it is tried. INVALID_ARGUMENT names every wrong field, one a line.
  absl::StatusOr<v1::TrainJob> CreateJob(const v1::TrainJobSpec& spec, const std::string& request_id = "",
                                         const CallOptions& options = {});
  // Has the server check it, and makes no job.
  absl::Status CheckJob(const v1::TrainJobSpec& spec, const CallOptions& options = {});

  absl::StatusOr<v1::TrainJob> GetJob(const std::string& id, const CallOptions& options = {});

  // One page; newest first.
  absl::StatusOr<v1::ListTrainJobsResponse> ListJobs(const v1::ListTrainJobsRequest& request,
                                                     const CallOptions& options = {});
  // All pages from the one that `request` asks for; `options` are those of each.
  absl::StatusOr<std::vector<v1::TrainJob>> ListAllJobs(const v1::ListTrainJobsRequest& request,
                                                        const CallOptions& options = {});

  // Tells the job as it is now, then what becomes of it, on this thread, and returns the job once it has ended, however
  // it did, with its epochs. Where the server goes away and comes back the job is told anew, with the epochs that were
  // missed in it. UNAVAILABLE where it stays away, DEADLINE_EXCEEDED, CANCELLED after StopWatching; RESOURCE_EXHAUSTED
  // where `on_update` takes so long that the server has lost patience.
  using OnUpdate = std::function<void(const v1::TrainJobUpdate&)>;
  absl::StatusOr<v1::TrainJob> WatchJob(const std::string& id, const OnUpdate& on_update,
                                        const WatchOptions& options = {});
  // The same with nothing told. A deadline of zero: as long as the job takes.
  absl::StatusOr<v1::TrainJob> WaitUntilDone(const std::string& id,
                                             std::chrono::nanoseconds deadline = std::chrono::nanoseconds(0));
  // Those that watch, and those that will, return at once. The jobs go on.
  void StopWatching();

  absl::StatusOr<v1::TrainJob> CancelJob(const std::string& id, const CallOptions& options = {});
  absl::Status DeleteJob(const std::string& id, const CallOptions& options = {});

 private:
  struct Stub;
  class Watches;

  explicit TrainClient(std::unique_ptr<Channel> channel);

  // In this order: running calls, which the channel waits for, use the stub.
  const std::unique_ptr<Stub> stub_;
  const std::unique_ptr<Watches> watches_;
  const std::unique_ptr<Channel> channel_;
};

}  // namespace beak::client
