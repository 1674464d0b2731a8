#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/retry.h"

namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc

namespace beak::client {

// Starts one attempt of a call within `context`, which outlives it, and calls `ended` on a thread of gRPC's.
using StartAttempt = std::function<void(grpc::ClientContext* context, std::function<void(grpc::Status)> ended)>;

// A gRPC channel, and the loop of attempts around its calls. *Thread-safe.*
class Channel {
 public:
  // See Client::Connect.
  static absl::StatusOr<std::unique_ptr<Channel>> Connect(const std::string& address, const ClientOptions& options);

  // Waits for the calls that are running. gRPC must not lose its channel on one of its own threads, where it would wait
  // for that very thread.
  ~Channel();

  // Makes attempts until one succeeds or the retry policy gives up, then calls `done` once, on a thread of gRPC's.
  void Call(const CallOptions& options, StartAttempt start, std::function<void(absl::Status)> done);

  // For calls that are made on grpc_channel() itself, before they begin: puts in what shows who the client is.
  void Authorize(grpc::ClientContext& context) const;
  const std::shared_ptr<grpc::Channel>& grpc_channel() const { return channel_; }

 private:
  class PendingCall;

  Channel(std::shared_ptr<grpc::Channel> channel, const ClientOptions& options);
  void CallEnded();

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  RetryBudget budget_;  // synchronises itself

  std::mutex mutex_;
  std::condition_variable idle_;
  int running_ = 0;  // calls; guarded by mutex_
};

}  // namespace beak::client
