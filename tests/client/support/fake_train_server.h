#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/beak/v1/service/train_service.pb.h"

namespace beak::testing {

// A server of train jobs in the test's own process, whose answers the test writes. A call that has no answer is
// UNIMPLEMENTED.
class FakeTrainServer {
 public:
  template <typename Request, typename Response>
  using Answer = std::function<absl::StatusOr<Response>(const Request&)>;
  // Sends an update; false once the client has gone.
  using Send = std::function<bool(const v1::TrainJobUpdate&)>;

  // Set these before the first call. A watch ends with what `watch` returns.
  Answer<v1::CreateTrainJobRequest, v1::TrainJob> create;
  Answer<v1::GetTrainJobRequest, v1::TrainJob> get;
  Answer<v1::ListTrainJobsRequest, v1::ListTrainJobsResponse> list;
  Answer<v1::CancelTrainJobRequest, v1::TrainJob> cancel;
  Answer<v1::DeleteTrainJobRequest, v1::DeleteTrainJobResponse> remove;
  std::function<absl::Status(const v1::WatchTrainJobRequest&, const Send&)> watch;

  FakeTrainServer();
  ~FakeTrainServer();

  const std::string& address() const { return address_; }

  // Goes away, and comes back on the same port. Returns when no call runs any more.
  void Stop();
  void Restart();

 private:
  class Service;

  void Listen(const std::string& address);

  const std::unique_ptr<Service> service_;
  std::string address_;
};

v1::TrainJobUpdate Update(const v1::TrainJob& job);
v1::TrainJobUpdate Update(const v1::TrainProgress& progress);
v1::TrainJobUpdate Update(const v1::EpochReport& epoch);
v1::TrainJobUpdate Notice(const std::string& text);

}  // namespace beak::testing
