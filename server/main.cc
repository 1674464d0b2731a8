// beak-server: flags -> configuration -> Server::Create -> wait for a signal.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "engine/base/log.h"
#include "engine/base/parallel.h"
#include "server/observe/address.h"
#include "server/server.h"

namespace beak {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

struct Flags {
  ServerConfig server;
  std::vector<std::string> models;  // [NAME=]FILE
  LogFormat log_format = LogFormat::kText;
  LogLevel log_level = LogLevel::kInfo;
  double repository_poll_secs = 2;
  double log_rate = 200;
  double shutdown_grace_secs = 2;
  double drain_timeout_secs = 30;
  int max_connection_idle_secs = 1800;
};

// "mnist=a/b.onnx", or a file alone, which is named for itself.
ModelFile ParseModelFlag(const std::string& value) {
  const size_t equals = value.find('=');
  const bool named = equals != std::string::npos && value.find('/') > equals;
  if (named) return {value.substr(0, equals), value.substr(equals + 1)};
  return {std::filesystem::path(value).stem().string(), value};
}

void DeclareModelFlags(CLI::App& app, Flags& flags) {
  ServerConfig& server = flags.server;
  const std::map<std::string, ControlMode> modes = {
      {"poll", ControlMode::kPoll}, {"none", ControlMode::kNone}, {"explicit", ControlMode::kExplicit}};
  app.add_option("--model-control-mode", server.model_control_mode,
                 "poll: follow the repository; none: load what is there at start; explicit: load what --load-model and "
                 "load calls name (default poll)")
      ->transform(CLI::CheckedTransformer(modes).description(""))
      ->type_name("MODE");
  app.add_option("--repository-poll-secs", flags.repository_poll_secs, "How often the repository is looked at")
      ->check(CLI::Range(0.01, 86400.0))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--load-model", server.load_models,
                 "Load this model at start, in explicit mode; * for all; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--model-load-threads", server.model_load_threads, "Versions that are loaded at the same time")
      ->check(CLI::Range(1, 64))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--model-load-retries", server.model_load_retries,
                 "How often a load is tried again that failed for a reason that may pass")
      ->check(CLI::Range(0, 16))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-models", server.max_models, "Models of the repository that are taken; further ones fail")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--memory-limit-bytes", server.memory_limit_bytes,
                 "Memory beyond which nothing more is loaded; 0: nine tenths of what the process may use")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--state-dir", server.state_dir,
                 "Folder for what must outlive the process: loads that killed it, pinned versions")
      ->type_name("DIR");
}

void DeclareTrainFlags(CLI::App& app, ServerConfig& server) {
  CLI::Option* data = app.add_option("--data-dir", server.data_dir,
                                     "Take train jobs, which may read data below this folder; needs --state-dir and "
                                     "--model-repository")
                          ->type_name("DIR");
  app.add_option("--train-jobs", server.train_jobs, "Train jobs that run at the same time; others wait")
      ->check(CLI::Range(1, 64))
      ->type_name("N")
      ->needs(data)
      ->capture_default_str();
  app.add_option("--max-train-jobs", server.max_train_jobs, "Train jobs that may wait; further ones are refused")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->needs(data)
      ->capture_default_str();
  app.add_option("--train-threads", server.train_threads,
                 "Threads of a train job that asks for none; 0: as many as there are lanes")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->needs(data)
      ->capture_default_str();
  app.add_option("--train-memory-limit-bytes", server.train_memory_limit_bytes,
                 "Memory that one train job may plan to use; 0: half of what this process may use, for all together")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50))
      ->type_name("N")
      ->needs(data)
      ->capture_default_str();
  app.add_option("--train-program", server.train_program, "What trains (default: beak-train, beside this program)")
      ->type_name("FILE")
      ->needs(data);
}

void DeclareSecurityFlags(CLI::App& app, Flags& flags) {
  ServerConfig& server = flags.server;
  app.add_option("--tls-cert", server.tls.certificate,
                 "Encrypt: certificates in PEM, the server's own first; read again when they change")
      ->type_name("FILE");
  app.add_option("--tls-key", server.tls.key, "Its private key, in PEM")->type_name("FILE");
  app.add_option("--tls-client-ca", server.tls.client_ca,
                 "Take only clients with a certificate that one of these signed, in PEM")
      ->type_name("FILE");
  app.add_option("--token-file", server.token_file,
                 "Ask callers for a token: lines of NAME ROLE[,ROLE...] SHA256, as `beak token` writes them; roles "
                 "are predict, admin, train, metrics; read again when it changes")
      ->type_name("FILE");
  app.add_flag("--allow-insecure", server.allow_insecure, "Listen without TLS where other machines can connect, too");
  app.add_option("--max-concurrent-streams", server.max_concurrent_streams,
                 "Calls that one gRPC connection may have open; further ones wait at the client")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-http-connections", server.max_http_connections,
                 "Connections to the HTTP port; further ones are closed at once")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-connection-idle-secs", flags.max_connection_idle_secs,
                 "How long a gRPC connection may be without calls; then it is closed")
      ->check(CLI::Range(1, 30 * 86400))
      ->type_name("SECONDS")
      ->capture_default_str();
}

void DeclareFlags(CLI::App& app, Flags& flags) {
  ServerConfig& server = flags.server;
  const CLI::Range port(0, 65535);
  app.add_option("--model-repository", server.model_repository,
                 "Folder of models: DIR/<model>/<version>/model.onnx, DIR/<model>/config.pbtxt")
      ->type_name("DIR");
  app.add_option("--model", flags.models,
                 "Serve one model file as version 1 of NAME (by default the file's name); repeatable")
      ->type_name("[NAME=]FILE")
      ->allow_extra_args(false);
  DeclareModelFlags(app, flags);
  DeclareTrainFlags(app, server);
  DeclareSecurityFlags(app, flags);
  app.add_option("--host", server.host, "Address to listen on")->type_name("HOST")->capture_default_str();
  app.add_option("--grpc-port", server.grpc_port, "Port of the gRPC services; 0 picks a free one")
      ->check(port)
      ->type_name("PORT")
      ->capture_default_str();
  app.add_option("--http-port", server.http_port, "Port of the same protocol over HTTP (REST); 0 picks a free one")
      ->check(port)
      ->type_name("PORT")
      ->capture_default_str();
  app.add_option("--metrics-port", server.metrics_port, "Port of /metrics, /livez and /readyz; 0 picks a free one")
      ->check(port)
      ->type_name("PORT")
      ->capture_default_str();
  app.add_option("--threads", server.threads, "Lanes that run networks; 0: as many as there are cores to use")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--queue-rows", server.queue_rows, "Rows that may wait; beyond that requests are refused at once")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--queue-bytes", server.queue_bytes,
                 "Bytes of inputs that may wait; beyond that requests are refused at once")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 50))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-receive-bytes", server.max_receive_bytes, "Largest message that is taken")
      ->check(CLI::Range(int64_t{1}, int64_t{0x7fffffff}))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--cache-bytes", server.cache_bytes, "Memory for answers of models that ask for response_cache")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 50))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--trace-file", server.trace_file,
                 "Write what happens to a share of the requests there, for chrome://tracing or ui.perfetto.dev")
      ->type_name("FILE");
  app.add_option("--trace-rate", server.trace_rate,
                 "That share; requests whose traceparent says that they are sampled are traced in any case")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("RATE")
      ->capture_default_str();
  app.add_option("--trace-file-max-bytes", server.trace_file_max_bytes, "Size at which the trace ends")
      ->check(CLI::Range(int64_t{1} << 10, int64_t{1} << 50))
      ->type_name("N")
      ->capture_default_str();
  app.add_option(
         "--shutdown-grace-secs", flags.shutdown_grace_secs,
         "How long requests are still served at the end, while health says NOT_SERVING; a second signal ends it")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--drain-timeout-secs", flags.drain_timeout_secs, "How long requests may take to finish at the end")
      ->check(CLI::Range(0.0, 86400.0))
      ->type_name("SECONDS")
      ->capture_default_str();
  app.add_option("--server-name", server.server_name,
                 "Name in ServerMetadata; some samples of the protocol insist on \"triton\"")
      ->type_name("NAME")
      ->capture_default_str();
  const std::map<std::string, LogFormat> formats = {{"text", LogFormat::kText}, {"json", LogFormat::kJson}};
  app.add_option("--log-format", flags.log_format, "text or json (default text)")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT");
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::kDebug},
                                                  {"info", LogLevel::kInfo},
                                                  {"warning", LogLevel::kWarning},
                                                  {"error", LogLevel::kError}};
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error (default info)")
      ->transform(CLI::CheckedTransformer(levels).description(""))
      ->type_name("LEVEL");
  app.add_option(
         "--log-rate", flags.log_rate,
         "Lines a second that are logged at most, ten times as many at once; errors and audit lines always are; "
         "0: no bound")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("N")
      ->capture_default_str();
  app.set_version_flag("--version", "beak-server " BEAK_VERSION);
}

std::chrono::nanoseconds ToDuration(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

// Returns after `duration`, or with the first signal of `stop`.
void AwaitSignal(const sigset_t& stop, std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const timespec timeout = {static_cast<time_t>(seconds.count()), static_cast<long>((duration - seconds).count())};
  sigtimedwait(&stop, nullptr, &timeout);
}

std::string BesideThisProgram(const std::string& name) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / name;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "beak-server: %s\n", std::string(status.message()).c_str());
  return kExitFailure;
}

// Serves until a signal of `stop` comes, which all threads must have blocked.
int Serve(const Flags& flags, const sigset_t& stop) {
  ServerConfig config = flags.server;
  config.repository_poll = ToDuration(flags.repository_poll_secs);
  config.max_connection_idle = std::chrono::seconds(flags.max_connection_idle_secs);
  config.on_loaded = [&](const Server& server) {
    std::fprintf(stderr, "beak-server ready grpc=%s http=%s metrics=%s\n",
                 HostPort(config.host, server.grpc_port()).c_str(), HostPort(config.host, server.http_port()).c_str(),
                 HostPort(config.host, server.metrics_port()).c_str());
  };
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Create(config);
  if (!server.ok()) return Fail(server.status());

  int signal = 0;
  sigwait(&stop, &signal);
  LogInfo("shutting down", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*server)->AnnounceEnd();
  AwaitSignal(stop, ToDuration(flags.shutdown_grace_secs));
  LogInfo("draining");
  (*server)->Shutdown(ToDuration(flags.drain_timeout_secs));
  server->reset();
  LogInfo("stopped");
  return 0;
}

int Main(int argc, char** argv) {
  Flags flags;
  flags.server.server_version = BEAK_VERSION;
  CLI::App app("Serves neural networks over gRPC and HTTP, with metrics for Prometheus.", "beak-server");
  DeclareFlags(app, flags);
  try {
    app.parse(argc, argv);
    if (flags.server.model_repository.empty() && flags.models.empty()) {
      throw CLI::RequiredError("--model-repository or --model");
    }
    if (!flags.server.load_models.empty() && flags.server.model_control_mode != ControlMode::kExplicit) {
      throw CLI::RequiredError("--load-model: --model-control-mode=explicit");
    }
    if (!flags.server.data_dir.empty() && (flags.server.state_dir.empty() || flags.server.model_repository.empty())) {
      throw CLI::RequiredError("--data-dir: --state-dir and --model-repository");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  for (const std::string& model : flags.models) flags.server.models.push_back(ParseModelFlag(model));
  if (flags.server.train_program.empty()) flags.server.train_program = BesideThisProgram("beak-train");
  ConfigureLog(flags.log_level, flags.log_format, {flags.log_rate});

  // Before any thread is started: they inherit it, and the signals wait for the main thread.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have it ignored: then nobody could wait for train processes
  return Serve(flags, stop);
}

}  // namespace
}  // namespace beak

int main(int argc, char** argv) {
  beak::LimitSpinning(argv);
  // Debian builds Abseil with its checks for deadlocks, which gRPC's locks would pay for with each request.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return beak::Main(argc, argv);
}
