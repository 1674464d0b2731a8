#include "server/grpc/grpc_server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/frontend/limits.h"
#include "server/frontend/open_calls.h"
#include "server/grpc/guard.h"
#include "server/grpc/health_service.h"
#include "server/grpc/inference_service.h"
#include "server/grpc/stream_call.h"
#include "server/grpc/tls.h"
#include "server/grpc/train_service.h"
#include "server/observe/address.h"

namespace beak {
namespace {

// What clients without a call have to hang up by themselves; it also lets calls be answered that have just come.
constexpr std::chrono::milliseconds kHangUp(200);
// A client that vanished without a word is noticed after these; one that asks more often than the second is cut off.
constexpr int kKeepaliveMs = 60'000;
constexpr int kMinClientPingMs = 10'000;
constexpr int kMaxPingStrikes = 2;
// For TLS and the first words of HTTP/2: who takes longer is gone, or means no good.
constexpr int kHandshakeMs = 20'000;

// gRPC's own complaints become lines of our log.
void WriteGrpcLog(gpr_log_func_args* args) {
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarning : LogLevel::kDebug;
  Log(level, "grpc", {{"message", args->message}, {"file", args->file}, {"line", args->line}});
}

void SetProcessDefaults() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(WriteGrpcLog);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

class GrpcServerImpl final : public GrpcServer {
 public:
  explicit GrpcServerImpl(const Parts& parts)
      : clock_(parts.clock),
        guard_(parts.gatekeeper),
        streams_(StreamCalls::Create(parts.predictor, calls_, clock_)),
        inference_(MakeInferenceService(guard_, parts.operations, parts.predictor, *streams_, calls_, clock_)),
        train_(TrainService::Create(guard_, parts.jobs, calls_)),
        health_(HealthService::Create(guard_, parts.models, parts.readiness)) {}
  ~GrpcServerImpl() override {
    if (server_) Shutdown(clock_.Now());
  }

  absl::Status Listen(const Options& options) {
    SetProcessDefaults();
    tls_ = GrpcTls::Create(options.tls);
    const std::string address = HostPort(options.host, options.port);
    grpc::ServerBuilder builder;
    Configure(options, builder);
    builder.AddListeningPort(address, tls_->Credentials(), &port_);
    builder.RegisterService(inference_.get());
    builder.RegisterService(train_->service());
    builder.RegisterService(health_->service());
    server_ = builder.BuildAndStart();
    if (server_) return absl::OkStatus();
    return absl::UnavailableError(
        absl::StrCat("grpc: cannot listen on ", address, "; does another program use the port?"));
  }

  int port() const override { return port_; }
  void ModelsChanged() override { health_->Update(); }
  void EndWatches() override {
    health_->EndWatches();
    train_->EndWatches();
  }
  void Shutdown(MonotonicTime deadline) override {
    streams_->EndAll();
    calls_.AwaitOpen(deadline);
    server_->Shutdown(std::chrono::system_clock::now() + kHangUp);
  }

 private:
  static void Configure(const Options& options, grpc::ServerBuilder& builder) {
    const int64_t largest = std::min<int64_t>(options.max_receive_bytes, std::numeric_limits<int>::max());
    builder.SetMaxReceiveMessageSize(static_cast<int>(largest));
    grpc::ResourceQuota quota("beak");
    quota.Resize(static_cast<size_t>(MaxHeldBytes(largest)));
    builder.SetResourceQuota(quota);
    // gRPC would share a port that is in use without a word.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinClientPingMs);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, kMaxPingStrikes);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
    const auto idle = std::chrono::milliseconds(options.max_idle).count();
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                               static_cast<int>(std::min<int64_t>(idle, std::numeric_limits<int>::max())));
  }

  const Clock& clock_;
  const Guard guard_;
  OpenCalls calls_;
  const std::unique_ptr<StreamCalls> streams_;
  const std::unique_ptr<grpc::Service> inference_;
  const std::unique_ptr<TrainService> train_;
  const std::unique_ptr<HealthService> health_;
  std::unique_ptr<GrpcTls> tls_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;  // goes first
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Create(const Options& options, const Parts& parts) {
  auto server = std::make_unique<GrpcServerImpl>(parts);
  absl::Status listening = server->Listen(options);
  if (!listening.ok()) return listening;
  return server;
}

}  // namespace beak
