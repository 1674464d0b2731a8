// The processes of jobs: how they start and how they end.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/durable_files.h"
#include "server/jobs/supervisor.h"

namespace beak {
namespace {

constexpr int kMaxAttempts = 3;  // without progress in between
constexpr std::chrono::nanoseconds kLongestDelay = std::chrono::minutes(1);

// `first`, and double each time from then on.
std::chrono::nanoseconds Delay(std::chrono::nanoseconds first, int times) {
  constexpr int kMaxDoublings = 16;
  return std::min(first * (int64_t{1} << std::clamp(times - 1, 0, kMaxDoublings)), kLongestDelay);
}

std::string ServedFolder(const std::string& folder) { return absl::StrCat(folder, "/served"); }
std::string ServingFolder(const std::string& folder) { return absl::StrCat(folder, "/serving"); }

}  // namespace

// ---------------------------------------------------------------- start

absl::StatusOr<bool> Supervisor::StartTraining(Job& job) {
  if (job.served && !FindKeptVersion(ServedFolder(parts_.folders.PathOf(job.id)))) {
    const auto version = parts_.models.Find(job.served->name(), job.served->version());
    if (absl::IsUnavailable(version.status())) {
      Wait(job, std::string(version.status().message()));
      return true;
    }
  }
  ASSIGN_OR_RETURN(const v1::TrainJob whole, parts_.store.Get(job.id));
  RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::RUNNING, ""));
  StartProcess(job, whole.spec(), std::nullopt);
  return true;
}

void Supervisor::StartProcess(Job& job, const v1::TrainJobSpec& spec,
                              const std::optional<ServedModels::Version>& compare) {
  const uint64_t number = ++last_process_;
  const TrainSettings settings = SettingsFor(spec, settings_);
  TrainRun::Options run;
  run.prepare = [this, id = job.id, spec, settings, compare] { return Prepare(id, spec, settings, compare); };
  run.log_file = parts_.folders.LogOf(job.id);
  run.threads = settings.threads;
  run.progress_period = options_.tell_period / 2;
  run.told = [this, id = job.id, number](v1::TrainEvent event) {
    parts_.mailbox.Post([this, id, number, event = std::move(event)] { OnEvent(id, number, event); });
  };
  run.ended = [this, id = job.id, number](RunEnd end) {
    parts_.mailbox.Post([this, id, number, end = std::move(end)] { OnEnded(id, number, end); });
  };
  Process& process = job.process.emplace();
  process.number = number;
  process.compares_with = compare ? compare->version : 0;
  job.last_look = parts_.clock.Now();
  absl::StatusOr<std::unique_ptr<TrainRun>> started = TrainRun::Start(std::move(run), parts_.pacer, parts_.clock);
  if (started.ok()) {
    process.run = *std::move(started);
  } else {
    parts_.mailbox.Post([this, id = job.id, number, status = started.status()] { OnEnded(id, number, {status}); });
  }
}

// On the run's thread.
absl::StatusOr<TrainCommand> Supervisor::Prepare(const std::string& id, v1::TrainJobSpec spec,
                                                 const TrainSettings& settings,
                                                 const std::optional<ServedModels::Version>& compare) const {
  RETURN_IF_ERROR(parts_.folders.Make(id));
  const std::string folder = parts_.folders.PathOf(id);
  std::string served_file;
  if (spec.network().has_served()) {
    v1::ServedModel& served = *spec.mutable_network()->mutable_served();
    std::optional<ServedModels::Version> kept = FindKeptVersion(ServedFolder(folder));
    if (!kept) {
      const auto found = parts_.models.Find(served.name(), served.version());
      if (!found.ok()) return Annotate(found.status(), "network.served");
      ASSIGN_OR_RETURN(kept, KeepVersion(*found, ServedFolder(folder)));
    }
    served.set_version(kept->version);  // whichever will be the newest later
    served_file = kept->path;
  }
  std::string compare_file;
  if (compare) {
    RETURN_IF_ERROR(RemoveAll(ServingFolder(folder)));
    ASSIGN_OR_RETURN(const ServedModels::Version kept, KeepVersion(*compare, ServingFolder(folder)));
    compare_file = kept.path;
  }
  ASSIGN_OR_RETURN(const std::string job_file, WriteJobFile(folder, spec));
  return RunCommand(settings, job_file, folder, served_file, compare_file);
}

void Supervisor::AskToEnd(Process& process) {
  process.asked = true;
  process.kill_at = parts_.clock.Now() + options_.stop_patience;
  if (process.run) process.run->AskToEnd();
}

void Supervisor::KillOverdue() {
  for (Job& job : jobs_) {
    if (!job.process || job.process->end || parts_.clock.Now() < job.process->kill_at) continue;
    LogWarning("train process does not end, and is killed", {{"job", job.id}});
    job.process->kill_at = kNever;
    if (job.process->run) job.process->run->Kill();
  }
}

// ---------------------------------------------------------------- end

void Supervisor::OnEnded(const std::string& id, uint64_t number, const RunEnd& end) {
  Job* job = Find(id);
  if (job == nullptr || !job->process || job->process->number != number) return;
  job->process->end = end;
  parts_.metrics.SetTrainPausedSeconds(Seconds(parts_.pacer.TotalPausedTime()));
}

absl::Status Supervisor::Settle(Job& job) {
  absl::Status status = job.published ? SettlePublication(job) : absl::OkStatus();
  if (job.process && job.process->end) status.Update(SettleProcess(job));
  // At the end nobody waits for a disk: whoever takes the job over finds it as it was.
  if (!status.ok() && !ending_) return status;
  if (job.published) job.publishing = false;
  job.published.reset();
  if (job.process && job.process->end) job.process.reset();
  return status;
}

absl::Status Supervisor::SettleProcess(Job& job) {
  if (HasEnded(job.state)) return absl::OkStatus();
  const Process& process = *job.process;
  const RunVerdict verdict = Judge(*process.end, process.failure, process.result.has_value(), process.asked);
  return process.compares_with == 0 ? SettleTraining(job, verdict) : SettleComparison(job, verdict);
}

absl::Status Supervisor::SettleTraining(Job& job, const RunVerdict& verdict) {
  RETURN_IF_ERROR(WriteEpochs(job));
  switch (verdict.verdict) {
    case Verdict::kDone:
      RETURN_IF_ERROR(parts_.store.SetResult(job.id, *job.process->result));
      RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::PUBLISHING, ""));
      job.failures = job.waits = 0;
      return absl::OkStatus();
    case Verdict::kStopped:
      return ChangeState(job, v1::TrainJob::QUEUED, "");
    case Verdict::kFailed:
      return ChangeState(job, v1::TrainJob::FAILED, verdict.reason);
    case Verdict::kDied:
    case Verdict::kNotYet:
      break;
  }
  return TryAgain(job, verdict);
}

absl::Status Supervisor::SettleComparison(Job& job, const RunVerdict& verdict) {
  switch (verdict.verdict) {
    case Verdict::kDone:
      if (!job.process->result->has_comparison()) {
        return ChangeState(job, v1::TrainJob::FAILED, "beak-train: expected a comparison, got a result without one");
      }
      RETURN_IF_ERROR(parts_.store.SetResult(job.id, *job.process->result));
      job.compared_with = job.process->compares_with;
      ++job.comparisons;
      job.failures = job.waits = 0;
      return absl::OkStatus();
    case Verdict::kStopped:
      return absl::OkStatus();
    case Verdict::kFailed:
      return ChangeState(job, v1::TrainJob::FAILED, verdict.reason);
    case Verdict::kDied:
    case Verdict::kNotYet:
      break;
  }
  return TryAgain(job, verdict);
}

absl::Status Supervisor::TryAgain(Job& job, const RunVerdict& verdict) {
  const bool died = verdict.verdict == Verdict::kDied;
  const bool advanced = job.process && job.process->advanced;
  const int failures = !died ? job.failures : advanced ? 1 : job.failures + 1;
  if (failures >= kMaxAttempts) {
    return ChangeState(job, v1::TrainJob::FAILED,
                       absl::StrCat("given up after ", failures, " attempts without progress: ", verdict.reason));
  }
  if (job.state == v1::TrainJob::RUNNING) {
    RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::QUEUED, absl::StrCat("is tried again: ", verdict.reason)));
  }
  job.failures = failures;
  if (died) {
    job.not_before = parts_.clock.Now() + Delay(options_.retry_delay, failures);
    LogWarning("train process died, and is started again", {{"job", job.id}, {"reason", verdict.reason}});
  } else {
    Wait(job, verdict.reason);
  }
  return absl::OkStatus();
}

void Supervisor::Wait(Job& job, const std::string& reason) {
  if (job.waits++ == 0) LogInfo("train job waits", {{"job", job.id}, {"reason", reason}});
  job.not_before = parts_.clock.Now() + Delay(options_.retry_delay, job.waits);
}

}  // namespace beak
