#include "client/bench/load.h"

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <sys/prctl.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/credentials.h"
#include "engine/base/mutex.h"
#include "engine/base/thread.h"
#include "proto/wire/status.h"

namespace beak::bench {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::minutes kProbeTimeout(1);
const char kMethod[] = "/inference.GRPCInferenceService/ModelInfer";

// gRPC takes deadlines on the same clock as ours.
gpr_timespec ToGrpc(MonotonicTime time) {
  gpr_timespec spec =
      gpr_time_from_nanos(std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count(), GPR_TIMESPAN);
  spec.clock_type = GPR_CLOCK_MONOTONIC;
  return spec;
}

// One request under way. Used again and again; of one call at a time.
struct Call {
  bool under_way = false;
  std::optional<grpc::ClientContext> context;  // gRPC wants a new one for each call
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  MonotonicTime due;
};

// A connection of its own, and the queue on which its answers come.
struct Connection {
  Connection(const LoadOptions& options, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
             const grpc::ChannelArguments& arguments)
      : channel(grpc::CreateCustomChannel(options.server, credentials, arguments)),
        stub(channel),
        security(options.security) {}
  ~Connection() {
    queue.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    if (receiver.joinable()) receiver.join();
    while (queue.Next(&tag, &ok)) {
    }
  }

  void Send(Call* call, const grpc::ByteBuffer& body, MonotonicTime due, nanoseconds deadline) {
    call->under_way = true;
    call->due = due;
    call->context.emplace();
    client::Authorize(security, *call->context);
    if (deadline.count() > 0) call->context->set_deadline(ToGrpc(due + deadline));
    call->response.Clear();
    call->reader = stub.PrepareUnaryCall(&*call->context, kMethod, body, &queue);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
  }

  grpc::CompletionQueue queue;
  const std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  const client::Security security;
  grpc::Alarm stop;  // comes through the queue, with no call
  std::thread receiver;
  std::vector<std::unique_ptr<Call>> calls;  // guarded by the load's mutex, as is the next
  std::vector<Call*> free;
};

class LoadImpl final : public Load {
 public:
  explicit LoadImpl(const LoadOptions& options) : options_(options) {
    const grpc::Slice slice(options.body);
    body_ = grpc::ByteBuffer(&slice, 1);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    // Filters that cost time here and bring nothing are left out; the one for deadlines is not.
    arguments.SetInt(GRPC_ARG_MINIMAL_STACK, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    const std::shared_ptr<grpc::ChannelCredentials> credentials =
        client::MakeChannelCredentials(options.security, arguments);
    for (int i = 0; i < options.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(options, credentials, arguments));
    }
  }
  ~LoadImpl() override { Stop(); }

  absl::Status AwaitConnections() {
    const auto deadline = std::chrono::system_clock::now() +
                          std::chrono::duration_cast<std::chrono::system_clock::duration>(options_.connect_timeout);
    for (const auto& connection : connections_) {
      if (connection->channel->WaitForConnected(deadline)) continue;
      return absl::UnavailableError(absl::StrCat("server '", options_.server, "': no connection within ",
                                                 Seconds(options_.connect_timeout), " s"));
    }
    return absl::OkStatus();
  }

  absl::Status Probe() override {
    Call call;
    connections_[0]->Send(&call, body_, clock_.Now(), kProbeTimeout);
    void* tag = nullptr;
    bool ok = false;
    connections_[0]->queue.Next(&tag, &ok);
    return wire::FromGrpcStatus(call.status);
  }

  void Start() override {
    const MonotonicTime now = clock_.Now();
    begin_ = now + options_.warm_up;
    end_ = begin_ + options_.duration;
    {
      MutexLock lock(mutex_);
      counter_.emplace(closed() ? Counter::By::kAnswerTime : Counter::By::kDueTime, begin_, end_, options_.deadline);
    }
    if (closed()) {
      for (int64_t i = 0; i < options_.concurrency; ++i) {
        Connection& connection = *connections_[static_cast<size_t>(i) % connections_.size()];
        connection.Send(NewCall(connection), body_, clock_.Now(), options_.deadline);
      }
      MutexLock lock(mutex_);
      all_sent_ = true;
    } else {
      sender_ = StartThread("bench-send", [this, now] { SendOpenLoop(now); });
    }
    for (const auto& connection : connections_) {
      connection->receiver = StartThread("bench-receive", [this, &connection = *connection] { Receive(connection); });
    }
  }

  MonotonicTime end() const override { return end_; }
  Tally so_far() const override { return TallyAt(clock_.Now()); }

  bool all_answered() const override {
    MutexLock lock(mutex_);
    return outstanding_ == 0 && all_sent_;
  }

  Tally Finish() override {
    const MonotonicTime now = clock_.Now();
    const Tally so_far = TallyAt(now);
    Stop();
    // What is cut off after the end has had its time: that is its result.
    return so_far.interrupted ? so_far : TallyAt(now);
  }

 private:
  bool closed() const { return options_.concurrency > 0; }

  Tally TallyAt(MonotonicTime time) const {
    MutexLock lock(mutex_);
    Tally tally = counter_->Finish(time);
    tally.blocked = blocked_;
    return tally;
  }

  Call* NewCall(Connection& connection) {
    MutexLock lock(mutex_);
    ++outstanding_;
    if (connection.free.empty()) {
      connection.calls.push_back(std::make_unique<Call>());
      return connection.calls.back().get();
    }
    Call* const call = connection.free.back();
    connection.free.pop_back();
    return call;
  }

  // Runs until the queue has been shut down and is empty.
  void Receive(Connection& connection) {
    void* tag = nullptr;
    bool ok = false;
    while (connection.queue.Next(&tag, &ok)) {
      if (!tag) {
        CancelAll(connection);
      } else if (Call* const call = static_cast<Call*>(tag); Answered(connection, call, clock_.Now())) {
        connection.Send(call, body_, clock_.Now(), options_.deadline);
      }
    }
  }

  // Whether the call is to be sent again; if not, it is free.
  bool Answered(Connection& connection, Call* call, MonotonicTime now) {
    const absl::Status status = wire::FromGrpcStatus(call->status);
    call->reader.reset();
    call->under_way = false;
    MutexLock lock(mutex_);
    counter_->Add(status, call->due, now);
    if (closed() && !stopping_ && now < end_) return true;
    connection.free.push_back(call);
    --outstanding_;
    answered_.NotifyAll();
    return false;
  }

  // On the connection's own thread, when nobody else sends any more.
  void CancelAll(Connection& connection) {
    std::vector<Call*> calls;
    {
      MutexLock lock(mutex_);
      for (const auto& call : connection.calls) calls.push_back(call.get());
    }
    for (Call* const call : calls) {
      if (call->under_way) call->context->TryCancel();
    }
  }

  void SendOpenLoop(MonotonicTime begin) {
    prctl(PR_SET_TIMERSLACK, 1);  // nanosecond: sleep no longer than asked
    OpenLoop loop(Arrivals(options_.arrival, options_.rate, options_.seed), begin, end_, options_.max_outstanding);
    for (size_t i = 0;; ++i) {
      const std::optional<MonotonicTime> due = AwaitArrival(loop);
      if (!due) break;
      Connection& connection = *connections_[i % connections_.size()];
      connection.Send(NewCall(connection), body_, *due, options_.deadline);
    }
    MutexLock lock(mutex_);
    all_sent_ = true;
  }

  // When the request was due that is to be sent now; nullopt after the last one.
  std::optional<MonotonicTime> AwaitArrival(OpenLoop& loop) {
    MutexLock lock(mutex_);
    while (!stopping_) {
      const OpenLoop::Step step = loop.Next(clock_.Now(), outstanding_);
      blocked_ = loop.blocked();
      switch (step.act) {
        case OpenLoop::Act::kSend:
          return step.time;
        case OpenLoop::Act::kWait:
          stopped_.WaitUntil(mutex_, step.time);
          break;
        case OpenLoop::Act::kBlock:
          answered_.Wait(mutex_);
          break;
        case OpenLoop::Act::kDone:
          return std::nullopt;
      }
    }
    return std::nullopt;
  }

  // Ends what is under way, and all threads.
  void Stop() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      stopped_.NotifyAll();
      answered_.NotifyAll();
    }
    if (sender_.joinable()) sender_.join();
    for (const auto& connection : connections_) {
      if (connection->receiver.joinable())
        connection->stop.Set(&connection->queue, gpr_now(GPR_CLOCK_MONOTONIC), nullptr);
    }
    {
      MutexLock lock(mutex_);
      while (outstanding_ > 0) answered_.Wait(mutex_);
    }
    connections_.clear();
  }

  const LoadOptions options_;
  const Clock& clock_ = Clock::Real();
  grpc::ByteBuffer body_;
  std::vector<std::unique_ptr<Connection>> connections_;
  MonotonicTime begin_;
  MonotonicTime end_;
  std::thread sender_;

  mutable Mutex mutex_;
  CondVar answered_;  // and is not sent again
  CondVar stopped_;
  std::optional<Counter> counter_ GUARDED_BY(mutex_);
  int64_t outstanding_ GUARDED_BY(mutex_) = 0;
  uint64_t blocked_ GUARDED_BY(mutex_) = 0;
  bool all_sent_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Load>> Load::Connect(const LoadOptions& options) {
  if (absl::Status valid = client::CheckSecurity(options.security); !valid.ok()) return valid;
  auto load = std::make_unique<LoadImpl>(options);
  if (absl::Status status = load->AwaitConnections(); !status.ok()) return status;
  return load;
}

}  // namespace beak::bench
