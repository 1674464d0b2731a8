#include "server/jobs/job_manager.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/cpu.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mailbox.h"
#include "engine/base/memory.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"
#include "server/jobs/job_folders.h"
#include "server/jobs/job_store.h"
#include "server/jobs/pacer.h"
#include "server/jobs/publisher.h"
#include "server/jobs/spec_checks.h"
#include "server/jobs/supervisor.h"
#include "server/jobs/train_commands.h"
#include "server/jobs/worker.h"

namespace beak {
namespace {

// Networks of hundreds of layers have some ten KiB. Jobs that wait are held in memory, and lists of them are sent.
constexpr size_t kMaxSpecBytes = size_t{1} << 20;

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

absl::Status CheckFolder(const std::string& what, const std::string& path) {
  if (IsDirectory(path)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(what, ": expected a folder, got '", path, "'"));
}

absl::Status CheckOptions(const JobManager::Options& options) {
  RETURN_IF_ERROR(CheckFolder("state folder", options.state_dir));
  RETURN_IF_ERROR(CheckFolder("data folder", options.data_dir));
  RETURN_IF_ERROR(CheckFolder("model repository", options.model_repository));
  const std::string& program = options.train_program;
  if (IsRegularFile(program) && access(program.c_str(), X_OK) == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("train program: expected an executable file, got '", program, "'"));
}

std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

// Processes are given paths that mean the same wherever they are.
JobManager::Options Complete(JobManager::Options options) {
  options.state_dir = Absolute(options.state_dir);
  options.data_dir = Absolute(options.data_dir);
  options.model_repository = Absolute(options.model_repository);
  options.train_program = Absolute(options.train_program);
  options.max_running = std::max(1, options.max_running);
  options.threads = std::max(1, options.threads);
  if (options.cores <= 0) options.cores = AvailableCores();
  if (options.memory_limit_bytes <= 0) options.memory_limit_bytes = AvailableMemoryBytes() / 2 / options.max_running;
  return options;
}

TrainSettings SettingsOf(const JobManager::Options& options) {
  return {options.train_program, options.data_dir, options.threads, options.memory_limit_bytes, options.code_version};
}

// The thread of the manager empties the mailbox; calls that change something are put into it and wait for their answer.
class JobManagerImpl final : public JobManager {
 public:
  JobManagerImpl(const Options& options, std::unique_ptr<JobStore> store, ServedModels& models, Metrics& metrics,
                 const Clock& clock)
      : options_(options),
        store_(std::move(store)),
        models_(models),
        folders_(options.state_dir, store_->owner()),
        publisher_(options.model_repository, store_->owner()),
        pacer_({options.cores}, clock),
        worker_("beak-publish"),
        checks_(SettingsOf(options), options.check_limit, {folders_, pacer_, clock, worker_, mailbox_}),
        supervisor_(options, SettingsOf(options),
                    {*store_, folders_, publisher_, models, metrics, pacer_, clock, worker_, mailbox_}) {}
  ~JobManagerImpl() override {
    if (thread_.joinable()) Stop();
  }

  absl::Status Start() {
    const absl::Status cleaned = publisher_.CleanUp();
    if (!cleaned.ok()) LogWarning("rests of publications cannot be removed", {{"reason", cleaned.ToString()}});
    folders_.CleanUp([this](const std::string& id) { return !absl::IsNotFound(store_->Get(id).status()); });
    RETURN_IF_ERROR(supervisor_.TakeOver());
    thread_ = StartThread("beak-jobs", [this] { Run(); });
    return absl::OkStatus();
  }

  void CreateJob(const std::string& request_id, const v1::TrainJobSpec& spec, bool validate_only,
                 std::function<void(absl::StatusOr<v1::TrainJob>)> done) override {
    absl::StatusOr<std::optional<v1::TrainJob>> before = store_->FindRequest(request_id, spec);
    if (!before.ok()) return done(before.status());
    if (*before) return done(**std::move(before));
    const absl::StatusOr<std::string> served_file = CheckCheaply(spec, validate_only);
    if (!served_file.ok()) return done(served_file.status());
    auto checked = [this, request_id, spec, validate_only, done](const absl::Status& status) {
      done(status.ok() ? FinishCreate(request_id, spec, validate_only) : status);
    };
    const bool taken = mailbox_.PostUnlessClosed(
        [this, spec, file = *served_file, checked = std::move(checked)] { checks_.Check(spec, file, checked); });
    if (!taken) done(ShuttingDown());
  }

  absl::StatusOr<v1::TrainJob> GetJob(const std::string& id) const override {
    ASSIGN_OR_RETURN(v1::TrainJob job, store_->Get(id));
    supervisor_.ShowProgress(&job);
    return job;
  }
  absl::StatusOr<JobPage> ListJobs(const JobFilter& filter, int page_size,
                                   const std::string& page_token) const override {
    ASSIGN_OR_RETURN(JobPage page, store_->List(filter, page_size, page_token));
    for (v1::TrainJob& job : page.jobs) supervisor_.ShowProgress(&job);
    return page;
  }
  absl::Status WatchJob(const std::string& id, std::weak_ptr<JobListener> listener) override {
    return Ask<absl::Status>([this, &id, &listener] { return supervisor_.Watch(id, listener); });
  }
  absl::StatusOr<v1::TrainJob> CancelJob(const std::string& id) override {
    return Ask<absl::StatusOr<v1::TrainJob>>([this, &id] { return supervisor_.Cancel(id); });
  }
  absl::Status DeleteJob(const std::string& id) override {
    return Ask<absl::Status>([this, &id] { return supervisor_.Delete(id); });
  }

  void SetLanesBusy(int busy, int /*lanes*/) override { pacer_.SetLanesBusy(busy); }

  void Stop() override {
    mailbox_.Post([this] {
      stopping_ = true;
      checks_.Stop();
      supervisor_.BeginEnd();
    });
    thread_.join();
  }

 private:
  // What can be told without a process. Returns the model file that the job begins with, or "".
  absl::StatusOr<std::string> CheckCheaply(const v1::TrainJobSpec& spec, bool validate_only) const {
    if (spec.ByteSizeLong() > kMaxSpecBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("spec: expected at most ", kMaxSpecBytes, " bytes, got ", spec.ByteSizeLong()));
    }
    if (!validate_only) {
      ASSIGN_OR_RETURN(const auto jobs, store_->CountByState());
      const auto queued = jobs.find(v1::TrainJob::QUEUED);
      if (queued != jobs.end() && queued->second >= options_.max_queued) {
        return absl::ResourceExhaustedError(
            absl::StrCat("train jobs: expected at most ", options_.max_queued, " that wait, got one more"));
      }
    }
    if (!spec.network().has_served()) return std::string();
    const v1::ServedModel& served = spec.network().served();
    const absl::StatusOr<ServedModels::Version> version = models_.Find(served.name(), served.version());
    if (!version.ok()) return Annotate(version.status(), "network.served");
    return version->path;
  }

  absl::StatusOr<v1::TrainJob> FinishCreate(const std::string& request_id, const v1::TrainJobSpec& spec,
                                            bool validate_only) {
    RETURN_IF_ERROR(Annotate(models_.CheckPublishable(spec.model()), "model"));
    if (!validate_only) return supervisor_.Add({request_id, spec});
    v1::TrainJob job;
    job.set_request_id(request_id);
    *job.mutable_spec() = spec;
    return job;
  }

  // What `question` answers on the manager's thread.
  template <typename Answer>
  Answer Ask(const std::function<Answer()>& question) {
    std::promise<Answer> answer;
    if (!mailbox_.PostUnlessClosed([&] { answer.set_value(question()); })) return ShuttingDown();
    return answer.get_future().get();
  }

  void Run() {
    while (true) {
      for (const Mailbox::Event& event : mailbox_.Take()) event();
      supervisor_.Step();
      if (stopping_ && supervisor_.idle() && checks_.idle()) break;
      mailbox_.WaitUntil(supervisor_.next_step());
    }
    supervisor_.End(ShuttingDown());
    mailbox_.Close();
    for (const Mailbox::Event& event : mailbox_.Take()) event();
  }

  const Options options_;
  const std::unique_ptr<JobStore> store_;
  ServedModels& models_;
  const JobFolders folders_;
  const Publisher publisher_;
  Mailbox mailbox_;
  Pacer pacer_;
  Worker worker_;
  // Of the manager's thread.
  SpecChecks checks_;
  Supervisor supervisor_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobManager>> JobManager::Create(const Options& options, ServedModels& models,
                                                               Metrics& metrics, const Clock& clock) {
  RETURN_IF_ERROR(CheckOptions(options));
  const Options complete = Complete(options);
  ASSIGN_OR_RETURN(std::unique_ptr<JobStore> store, JobStore::Open(complete.state_dir));
  auto manager = std::make_unique<JobManagerImpl>(complete, std::move(store), models, metrics, clock);
  RETURN_IF_ERROR(manager->Start());
  return manager;
}

}  // namespace beak
