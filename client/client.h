#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/retry.h"
#include "client/security.h"
#include "client/types.h"

namespace inference {
class ModelConfig;  // proto/inference/model_config.pb.h
}  // namespace inference

namespace beak::client {

class Channel;

struct ClientOptions {
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  // For calls that name no deadline of their own; zero: none.
  std::chrono::nanoseconds default_deadline = std::chrono::seconds(60);
  // The longest response that is accepted. gRPC's own default of 4 MiB is one picture in float32.
  int max_receive_bytes = 256 << 20;
  // How often the server is asked whether it is still there while a call is silent; zero: never. Not more often than it
  // allows, which for Beak is every ten seconds, and for other servers often not at all.
  std::chrono::nanoseconds keepalive{0};
  RetryOptions retry;
  Security security;  // none: no TLS, no token
};

struct CallOptions {
  // How long the call may take, retries included; zero: the client's default.
  std::chrono::nanoseconds deadline{0};
};

// A connection to one server that speaks the Open Inference Protocol over gRPC. *Thread-safe*: calls may run at the
// same time, also while the client is destroyed (they end as they would have).
//
// Errors are the server's, code and text; DEADLINE_EXCEEDED when the deadline passes first, UNAVAILABLE when there is
// no server. A call that fails with UNAVAILABLE is made again, as RetryOptions say, within its deadline.
class Client {
 public:
  // Waits until the server at "host:port" (or any gRPC target) answers. UNAVAILABLE when it does not within the connect
  // timeout, for which TLS that does not fit is one reason; INVALID_ARGUMENT for security that makes no sense.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const std::string& address, const ClientOptions& options = {});

  // Waits until the calls that are running have ended and their callbacks returned, so never from such a callback.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Is the process up; is the server willing; is the model (and version, empty for the server's choice) willing?
  absl::StatusOr<bool> IsLive(const CallOptions& options = {});
  absl::StatusOr<bool> IsReady(const CallOptions& options = {});
  absl::StatusOr<bool> IsModelReady(const std::string& model, const std::string& version = "",
                                    const CallOptions& options = {});
  // The same through grpc.health.v1: an empty service is the server, another a model. NOT_FOUND for one unknown.
  absl::StatusOr<HealthStatus> CheckHealth(const std::string& service = "", const CallOptions& options = {});

  absl::StatusOr<ServerMetadata> GetServerMetadata(const CallOptions& options = {});
  absl::StatusOr<ModelMetadata> GetModelMetadata(const std::string& model, const std::string& version = "",
                                                 const CallOptions& options = {});
  absl::StatusOr<inference::ModelConfig> GetModelConfig(const std::string& model, const std::string& version = "",
                                                        const CallOptions& options = {});
  // What the server's repository holds, or only what is ready.
  absl::StatusOr<std::vector<ModelIndex>> ListModels(bool ready_only = false, const CallOptions& options = {});
  // Of all models, of one, or of one version.
  absl::StatusOr<std::vector<ModelStatistics>> GetStatistics(const std::string& model = "",
                                                             const std::string& version = "",
                                                             const CallOptions& options = {});

  // Has the server load a model, or what is new of it, and waits until it is ready. `config_json`: a configuration
  // (inference.ModelConfig as JSON) whose fields replace those of the model's own until it is loaded again without.
  // Servers refuse where they follow their repository by themselves.
  absl::Status LoadModel(const std::string& model, const std::optional<std::string>& config_json = std::nullopt,
                         const CallOptions& options = {});
  // Has the server take no more requests for a model; those that it has run on.
  absl::Status UnloadModel(const std::string& model, const CallOptions& options = {});

  absl::StatusOr<PredictResponse> Predict(PredictRequest request, const CallOptions& options = {});

  // Returns at once. `done` is called exactly once: normally on a thread of gRPC's, which it must not block and on
  // which it must not make synchronous calls; on the caller's thread, before this returns, for a request that makes no
  // sense (INVALID_ARGUMENT).
  using PredictDone = std::function<void(absl::StatusOr<PredictResponse>)>;
  void PredictAsync(PredictRequest request, PredictDone done, const CallOptions& options = {});
  // The same with a future.
  std::future<absl::StatusOr<PredictResponse>> PredictAsync(PredictRequest request, const CallOptions& options = {});

 private:
  struct Stubs;

  explicit Client(std::unique_ptr<Channel> channel);

  // In this order: running calls, which the channel waits for, use the stubs.
  const std::unique_ptr<Stubs> stubs_;
  const std::unique_ptr<Channel> channel_;
};

}  // namespace beak::client
