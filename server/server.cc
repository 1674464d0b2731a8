#include "server/server.h"

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/cpu.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/process.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"
#include "server/frontend/limits.h"
#include "server/frontend/operations.h"
#include "server/grpc/grpc_server.h"
#include "server/http/http_server.h"
#include "server/http/monitoring_service.h"
#include "server/http/rest_service.h"
#include "server/jobs/job_manager.h"
#include "server/models/readiness.h"
#include "server/observe/address.h"
#include "server/observe/headroom.h"
#include "server/observe/metrics.h"
#include "server/observe/tracer.h"
#include "server/predict/predictor.h"
#include "server/scheduling/batch_scheduler.h"
#include "server/security/exposure.h"
#include "server/security/gatekeeper.h"
#include "server/security/tls_watch.h"
#include "server/served_models.h"

namespace beak {
namespace {

// gRPC answers CANCELLED to a call that arrives while it shuts down. For so long everybody whose last call has just
// been answered hears UNAVAILABLE from us instead, which clients know to retry elsewhere.
constexpr std::chrono::milliseconds kLinger(200);
// How long answers that have been given may then take to leave.
constexpr std::chrono::seconds kFlush(1);

constexpr int kHttpThreads = 2;
// Of scrapers, probes and curious people.
constexpr int kMaxMonitoringConnections = 256;

class ServerImpl final : public Server {
 public:
  explicit ServerImpl(const ServerConfig& config) : config_(config), metrics_(config.server_version) {}
  ~ServerImpl() override {
    if (!stopped_) Shutdown(std::chrono::nanoseconds(0));
  }

  // Each part starts after those that it uses; ports that are in use are found before anything is loaded.
  absl::Status Start() {
    const int lanes = config_.threads > 0 ? config_.threads : AvailableCores();
    RETURN_IF_ERROR(
        CheckExposure({config_.host, config_.tls.enabled(), !config_.token_file.empty(), config_.allow_insecure}));
    ASSIGN_OR_RETURN(gatekeeper_, Gatekeeper::Create(config_.token_file, clock_));
    ASSIGN_OR_RETURN(tls_, WatchTlsFiles(config_.tls, clock_));
    ASSIGN_OR_RETURN(models_, ModelManager::Create(ManagerOptions(lanes), metrics_));
    ASSIGN_OR_RETURN(tracer_, MakeTracer(lanes));
    RETURN_IF_ERROR(StartJobs(lanes));
    readiness_ = std::make_unique<Readiness>(*models_);
    scheduler_ =
        std::make_unique<BatchScheduler>(BatchScheduler::Options{lanes, config_.queue_rows, config_.queue_bytes},
                                         clock_, metrics_, [this, lanes](int cores) {
                                           if (jobs_) jobs_->SetLanesBusy(cores, lanes);
                                         });
    preparer_ = std::make_unique<Preparer>();
    predictor_ =
        std::make_unique<Predictor>(Predictor::Options{lanes, config_.cache_bytes},
                                    Predictor::Parts{*models_, *scheduler_, *preparer_, metrics_, *tracer_, clock_});
    headroom_ = std::make_unique<Headroom>(lanes);
    metrics_.OnScrape([this] { RefreshMetrics(); });
    operations_ = std::make_unique<Operations>(config_.server_name, config_.server_version, *models_, *readiness_);
    ASSIGN_OR_RETURN(grpc_, GrpcServer::Create(GrpcOptions(), {*gatekeeper_, *operations_, *models_, *readiness_,
                                                               *predictor_, clock_, jobs_.get()}));
    RETURN_IF_ERROR(StartHttp());
    LogInfo("listening", {{"grpc", HostPort(config_.host, grpc_port())},
                          {"http", HostPort(config_.host, http_port())},
                          {"metrics", HostPort(config_.host, metrics_port())},
                          {"lanes", lanes}});
    models_->OnChange([this] { grpc_->ModelsChanged(); });
    models_->Start([this] { config_.on_loaded(*this); });
    return absl::OkStatus();
  }

  int grpc_port() const override { return grpc_->port(); }
  int http_port() const override { return http_->port(); }
  int metrics_port() const override { return monitoring_->port(); }

  void AnnounceEnd() override {
    models_->BeginStop();
    readiness_->Stop();
    grpc_->EndWatches();
    http_->AnnounceEnd();
  }

  void Shutdown(std::chrono::nanoseconds drain) override {
    stopped_ = true;
    if (!monitoring_) return;  // never started
    const MonotonicTime deadline = clock_.Now() + drain;
    AnnounceEnd();
    // Meanwhile train processes write their checkpoints.
    std::thread jobs_end = StartThread("beak-jobs-end", [this] {
      if (jobs_) jobs_->Stop();
    });
    // Requests in the queue and on lanes are answered first; calls that come meanwhile are told UNAVAILABLE.
    scheduler_->Drain(deadline);
    std::this_thread::sleep_for(kLinger);
    jobs_end.join();
    http_->Shutdown(std::max(deadline, clock_.Now() + kFlush));
    grpc_->Shutdown(std::max(deadline, clock_.Now() + kFlush));
    models_->Stop();
  }

 private:
  // REST, and on a port of its own, so that nothing is in their way, metrics and probes.
  absl::Status StartHttp() {
    rest_service_ =
        std::make_unique<RestService>(*operations_, *predictor_, *gatekeeper_, clock_, config_.max_receive_bytes);
    ASSIGN_OR_RETURN(http_, HttpServer::Create(RestOptions(), [this](std::shared_ptr<HttpExchange> exchange) {
                       rest_service_->Handle(std::move(exchange));
                     }));
    monitoring_service_ = std::make_unique<MonitoringService>(metrics_, *readiness_, *gatekeeper_);
    ASSIGN_OR_RETURN(monitoring_,
                     HttpServer::Create(MonitoringOptions(), [this](const std::shared_ptr<HttpExchange>& exchange) {
                       monitoring_service_->Handle(exchange);
                     }));
    return absl::OkStatus();
  }

  HttpServer::Options RestOptions() const {
    HttpServer::Options options;
    options.host = config_.host;
    options.port = config_.http_port;
    options.threads = kHttpThreads;
    options.max_body_bytes = config_.max_receive_bytes;
    options.max_held_bytes = MaxHeldBytes(config_.max_receive_bytes);
    options.max_connections = config_.max_http_connections;
    options.head_check = [this](const HttpRequest& head) { return rest_service_->Refuse(head); };
    options.tls = tls_.get();
    return options;
  }

  HttpServer::Options MonitoringOptions() const {
    HttpServer::Options options;
    options.what = "metrics";
    options.host = config_.host;
    options.port = config_.metrics_port;
    options.max_body_bytes = 0;
    options.max_connections = kMaxMonitoringConnections;
    return options;
  }

  GrpcServer::Options GrpcOptions() const {
    GrpcServer::Options options;
    options.host = config_.host;
    options.port = config_.grpc_port;
    options.max_receive_bytes = config_.max_receive_bytes;
    options.max_streams = config_.max_concurrent_streams;
    options.max_idle = config_.max_connection_idle;
    options.tls = tls_.get();
    return options;
  }

  ModelManager::Options ManagerOptions(int lanes) const {
    ModelManager::Options options;
    options.repository = config_.model_repository;
    options.files = config_.models;
    options.max_models = config_.max_models;
    options.lanes = lanes;
    options.mode = config_.model_control_mode;
    options.poll_period = config_.repository_poll;
    options.load_at_start = config_.load_models;
    options.load_threads = config_.model_load_threads;
    options.load_retries = config_.model_load_retries;
    options.memory_limit_bytes = config_.memory_limit_bytes;
    options.state_dir = config_.state_dir;
    return options;
  }

  absl::Status StartJobs(int lanes) {
    if (config_.data_dir.empty() || config_.state_dir.empty() || config_.model_repository.empty()) {
      return absl::OkStatus();
    }
    std::set<std::string> elsewhere;
    for (const ModelFile& file : config_.models) elsewhere.insert(file.name);
    served_models_ = std::make_unique<RepositoryModels>(*models_, std::move(elsewhere));
    JobManager::Options options;
    options.state_dir = config_.state_dir;
    options.data_dir = config_.data_dir;
    options.model_repository = config_.model_repository;
    options.train_program = config_.train_program;
    options.max_running = config_.train_jobs;
    options.max_queued = config_.max_train_jobs;
    options.threads = config_.train_threads > 0 ? config_.train_threads : lanes;
    options.memory_limit_bytes = config_.train_memory_limit_bytes;
    options.code_version = config_.server_version;
    ASSIGN_OR_RETURN(jobs_, JobManager::Create(options, *served_models_, metrics_, clock_));
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Tracer>> MakeTracer(int lanes) const {
    if (config_.trace_file.empty()) return std::make_unique<Tracer>();
    ASSIGN_OR_RETURN(std::unique_ptr<TraceWriter> writer,
                     TraceWriter::Create({config_.trace_file, config_.trace_file_max_bytes}, clock_));
    for (int lane = 0; lane < lanes; ++lane) writer->NameTrack(LaneTrack(lane), absl::StrCat("lane ", lane));
    return std::make_unique<Tracer>(std::move(writer), config_.trace_rate);
  }

  // Scrapes may come at the same time.
  void RefreshMetrics() {
    models_->RefreshMetrics();
    predictor_->RefreshMetrics();
    const double offered = scheduler_->offered_seconds();
    MutexLock lock(headroom_mutex_);
    metrics_.SetHeadroom(headroom_->Update({clock_.Now(), offered, Seconds(ProcessCpuTime())}), offered);
  }

  const ServerConfig config_;
  const Clock& clock_ = Clock::Real();
  bool stopped_ = false;

  // In the order in which they start; they end in the opposite one.
  Metrics metrics_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  std::unique_ptr<TlsWatch> tls_;  // null: nothing is encrypted
  std::unique_ptr<Tracer> tracer_;
  std::unique_ptr<ModelManager> models_;
  std::unique_ptr<RepositoryModels> served_models_;
  std::unique_ptr<JobManager> jobs_;  // null: there are no train jobs
  std::unique_ptr<Readiness> readiness_;
  std::unique_ptr<BatchScheduler> scheduler_;
  std::unique_ptr<Preparer> preparer_;
  std::unique_ptr<Predictor> predictor_;
  Mutex headroom_mutex_;
  std::unique_ptr<Headroom> headroom_;  // guarded by headroom_mutex_
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<GrpcServer> grpc_;
  std::unique_ptr<RestService> rest_service_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<MonitoringService> monitoring_service_;
  std::unique_ptr<HttpServer> monitoring_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerConfig& config) {
  auto server = std::make_unique<ServerImpl>(config);
  RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace beak
