#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/models/manager.h"
#include "server/security/tls_files.h"

namespace beak {

class Server;

struct ServerConfig {
  std::string host = "127.0.0.1";
  int grpc_port = 8001;  // 0: a free one, here and below
  int http_port = 8000;
  int metrics_port = 8002;
  std::string model_repository;  // empty: none
  std::vector<ModelFile> models;
  int64_t max_models = 1000;  // of the repository
  // How models are followed; see ModelManager::Options, whose defaults these are.
  ControlMode model_control_mode = ControlMode::kPoll;
  std::chrono::nanoseconds repository_poll = std::chrono::seconds(2);
  std::vector<std::string> load_models;
  int model_load_threads = 1;
  int model_load_retries = 2;
  int64_t memory_limit_bytes = 0;
  std::string state_dir;
  int threads = 0;  // lanes; 0: as many as cores may be used
  int64_t max_receive_bytes = int64_t{256} << 20;
  int max_http_connections = 8192;
  int64_t queue_rows = 4096;                // that may wait; further requests are refused
  int64_t queue_bytes = int64_t{1} << 30;   // and their inputs
  int64_t cache_bytes = int64_t{64} << 20;  // of answers that are kept for models that want it
  std::string trace_file;                   // where requests are traced to; empty: nowhere
  double trace_rate = 0.01;                 // the share of them
  int64_t trace_file_max_bytes = int64_t{256} << 20;
  // Train jobs: there are some where a data folder, a repository and a state folder are given; see JobManager::Options.
  std::string data_dir;
  std::string train_program;
  int train_jobs = 1;        // at a time
  int max_train_jobs = 100;  // that wait
  int train_threads = 0;     // of a job that asks for none; 0: as many as there are lanes
  int64_t train_memory_limit_bytes = 0;
  // Who may reach it, and what they may do: see CheckExposure, TlsFiles, Gatekeeper.
  bool allow_insecure = false;
  TlsFiles tls;
  std::string token_file;
  int max_concurrent_streams = 1024;                                    // calls that one gRPC connection may have open
  std::chrono::seconds max_connection_idle = std::chrono::minutes(30);  // of a gRPC connection; then it is closed
  std::string server_name = "beak";
  std::string server_version;
  // Told once when everything that was there at start has loaded or failed, on a thread of the server; not at all where
  // the end comes first.
  std::function<void(const Server&)> on_loaded = [](const Server&) {};
};

// The whole server: the one place that knows every part, and the order in which they start and stop. *Thread-safe.*
class Server {
 public:
  // Listens and begins to load. Health, metrics and what is loaded already are served while the rest loads. Errors name
  // the flag's subject: a repository that cannot be read, a port in use, an address that others can reach without
  // encryption.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const ServerConfig& config);
  // Shuts down without patience, if that has not been done.
  virtual ~Server() = default;

  virtual int grpc_port() const = 0;
  virtual int http_port() const = 0;
  virtual int metrics_port() const = 0;

  // Says NOT_SERVING to whoever asks or watches, so that balancers send their requests elsewhere; those that still come
  // are served. Begins no more loads. Returns at once.
  virtual void AnnounceEnd() = 0;

  // AnnounceEnd, where that has not been done; refuses new requests, and finishes those it has; what is left after
  // `drain` is refused or cancelled. Returns when nothing runs any more. Call once.
  virtual void Shutdown(std::chrono::nanoseconds drain) = 0;
};

}  // namespace beak
