#include "client/channel.h"

#include <grpc/grpc.h>
#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/credentials.h"
#include "proto/wire/status.h"

namespace beak::client {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

// Longer than this is for ever; it can be added to a clock without overflow.
constexpr nanoseconds kLongest = std::chrono::hours(24 * 365);
constexpr int kInitialReconnectMs = 100;
constexpr int kMaxReconnectMs = 5000;

// Left alone, gRPC shuts down whenever its last object goes, and now and then (1.51, after a long message) that takes
// it ten seconds. So it stays up for the life of the process.
void KeepGrpcUp() {
  static const bool up = (grpc_init(), true);
  static_cast<void>(up);
}

double UniformRandom() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::optional<Pushback> PushbackOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto entry = metadata.find("grpc-retry-pushback-ms");
  if (entry == metadata.end()) return std::nullopt;
  return ParsePushback(std::string_view(entry->second.data(), entry->second.size()));
}

}  // namespace

// One call on its way through its attempts. Each step holds a reference for the next.
class Channel::PendingCall : public std::enable_shared_from_this<PendingCall> {
 public:
  PendingCall(Channel& channel, nanoseconds time, StartAttempt start, std::function<void(absl::Status)> done)
      : channel_(channel),
        deadline_(steady_clock::now() + time),
        grpc_deadline_(system_clock::now() + std::chrono::duration_cast<system_clock::duration>(time)),
        start_(std::move(start)),
        done_(std::move(done)) {}

  void Start() {
    ++attempts_;
    alarm_.reset();  // it holds a reference to this
    context_.emplace();
    context_->set_deadline(grpc_deadline_);
    channel_.Authorize(*context_);
    start_(&*context_, [self = shared_from_this()](const grpc::Status& status) { self->OnEnded(status); });
  }

 private:
  void OnEnded(const grpc::Status& grpc_status) {
    const absl::Status status = wire::FromGrpcStatus(grpc_status);
    if (const std::optional<nanoseconds> delay = DelayAfter(status)) {
      const auto wake_up = system_clock::now() + std::chrono::duration_cast<system_clock::duration>(*delay);
      alarm_.emplace();
      alarm_->Set(wake_up, [self = shared_from_this()](bool) { self->Start(); });
      return;
    }
    context_.reset();  // it holds the gRPC channel
    std::exchange(done_, nullptr)(status);
    channel_.CallEnded();  // which may end the channel's life
  }

  std::optional<nanoseconds> DelayAfter(const absl::Status& status) {
    if (status.ok()) return std::nullopt;
    const FailedAttempt failed = {attempts_, status.code(), PushbackOf(*context_), deadline_ - steady_clock::now(),
                                  UniformRandom()};
    const std::optional<nanoseconds> delay = RetryDelay(channel_.options_.retry, failed);
    return delay && channel_.budget_.Withdraw() ? delay : std::nullopt;
  }

  Channel& channel_;
  const steady_clock::time_point deadline_;
  const system_clock::time_point grpc_deadline_;
  const StartAttempt start_;

  // Of one step at a time.
  std::function<void(absl::Status)> done_;
  int attempts_ = 0;
  std::optional<grpc::ClientContext> context_;
  std::optional<grpc::Alarm> alarm_;
};

absl::StatusOr<std::unique_ptr<Channel>> Channel::Connect(const std::string& address, const ClientOptions& options) {
  if (absl::Status valid = CheckSecurity(options.security); !valid.ok()) return valid;
  KeepGrpcUp();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(options.max_receive_bytes);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kInitialReconnectMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kInitialReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  if (options.keepalive > nanoseconds(0)) {
    const auto period = std::chrono::ceil<std::chrono::milliseconds>(std::min(options.keepalive, kLongest));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(std::min<int64_t>(period.count(), INT_MAX)));
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // as many as it takes
  }
  const std::shared_ptr<grpc::ChannelCredentials> credentials = MakeChannelCredentials(options.security, arguments);
  std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(address, credentials, arguments);
  const nanoseconds timeout = std::min(options.connect_timeout, kLongest);
  const auto deadline = system_clock::now() + std::chrono::duration_cast<system_clock::duration>(timeout);
  if (!channel->WaitForConnected(deadline)) {
    const double seconds = std::chrono::duration<double>(timeout).count();
    const char* tls = options.security.ca.empty() ? "" : ", or its certificate is none that is believed for this name";
    return absl::UnavailableError(absl::StrCat("server '", address, "': no connection within ", seconds, " s", tls));
  }
  return std::unique_ptr<Channel>(new Channel(std::move(channel), options));
}

Channel::Channel(std::shared_ptr<grpc::Channel> channel, const ClientOptions& options)
    : options_(options), channel_(std::move(channel)), budget_(options.retry) {}

void Channel::Authorize(grpc::ClientContext& context) const { client::Authorize(options_.security, context); }

Channel::~Channel() {
  std::unique_lock<std::mutex> lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
}

void Channel::Call(const CallOptions& options, StartAttempt start, std::function<void(absl::Status)> done) {
  nanoseconds time = options.deadline > nanoseconds(0) ? options.deadline : options_.default_deadline;
  if (time <= nanoseconds(0) || time > kLongest) time = kLongest;
  budget_.Deposit();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++running_;
  }
  std::make_shared<PendingCall>(*this, time, std::move(start), std::move(done))->Start();
}

void Channel::CallEnded() {
  // Notifies under the lock: once it is free the channel may be gone.
  const std::lock_guard<std::mutex> lock(mutex_);
  --running_;
  idle_.notify_all();
}

}  // namespace beak::client
