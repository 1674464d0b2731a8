#include "server/jobs/supervisor.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace beak {
namespace {

void LogState(const std::string& id, const std::string& model, v1::TrainJob::State state, const std::string& reason) {
  const std::string event = absl::StrCat("train job ", NameOf(state));
  if (reason.empty()) {
    LogInfo(event, {{"job", id}, {"model", model}});
  } else {
    Log(state == v1::TrainJob::FAILED ? LogLevel::kWarning : LogLevel::kInfo, event,
        {{"job", id}, {"model", model}, {"reason", reason}});
  }
}

absl::Status WrongState(const std::string& id, const std::string& is) {
  return absl::FailedPreconditionError(
      absl::StrCat("job '", id, "': expected one that can be cancelled, got one that ", is));
}

}  // namespace

Supervisor::Supervisor(const JobManager::Options& options, const TrainSettings& settings, const Parts& parts)
    : options_(options), settings_(settings), parts_(parts) {}

int64_t Supervisor::NowMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

absl::Status Supervisor::TakeOver() {
  ASSIGN_OR_RETURN(const std::vector<v1::TrainJob> unfinished, parts_.store.LoadUnfinished());
  for (const v1::TrainJob& job : unfinished) jobs_.push_back(MakeJob(job));
  CountJobs();
  return absl::OkStatus();
}

Supervisor::Job Supervisor::MakeJob(const v1::TrainJob& job) {
  Job made;
  made.id = job.id();
  made.model = job.spec().model();
  made.state = job.state();
  if (job.spec().network().has_served()) made.served = job.spec().network().served();
  made.progress = job.progress();
  return made;
}

Supervisor::Job* Supervisor::Find(const std::string& id) {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.id == id; });
  return found != jobs_.end() ? &*found : nullptr;
}

std::vector<JobView> Supervisor::Views() const {
  std::vector<JobView> views;
  for (const Job& job : jobs_) {
    JobView view;
    view.id = job.id;
    view.state = job.state;
    view.cancel = job.cancel;
    view.process = job.process.has_value();
    view.stop_asked = job.process && job.process->asked;
    view.publishing = job.publishing;
    view.not_before = job.not_before;
    views.push_back(view);
  }
  return views;
}

bool Supervisor::idle() const {
  return std::none_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.process || job.publishing; });
}

// ---------------------------------------------------------------- what callers want

absl::StatusOr<v1::TrainJob> Supervisor::Add(const JobStore::NewJob& job) {
  JobStore::NewJob fresh = job;
  fresh.created_ms = NowMs();
  fresh.max_queued = options_.max_queued;
  ASSIGN_OR_RETURN(JobStore::Created created, parts_.store.Create(fresh));
  if (!created.is_new) return std::move(created.job);
  LogInfo("train job queued", {{"job", created.job.id()}, {"model", created.job.spec().model()}});
  jobs_.push_back(MakeJob(created.job));
  CountJobs();
  return std::move(created.job);
}

absl::StatusOr<v1::TrainJob> Supervisor::Cancel(const std::string& id) {
  Job* job = Find(id);
  if (job == nullptr || HasEnded(job->state)) {
    ASSIGN_OR_RETURN(const v1::TrainJob ended, parts_.store.Get(id));
    return WrongState(id, absl::StrCat("has ", NameOf(ended.state())));
  }
  job->cancel = true;
  const absl::Status status = Advance();
  job = Find(id);
  if (job != nullptr && !HasEnded(job->state)) {
    job->cancel = false;
    return status.ok() ? WrongState(id, "is being published") : status;
  }
  return parts_.store.Get(id);
}

absl::Status Supervisor::Delete(const std::string& id) {
  RETURN_IF_ERROR(parts_.store.Delete(id));
  LogInfo("train job deleted", {{"job", id}});
  watchers_.Forget(id);
  CountJobs();
  if (Job* job = Find(id)) {
    job->deleted = true;
  } else {
    RemoveFolder(id);
  }
  return absl::OkStatus();
}

absl::Status Supervisor::Watch(const std::string& id, std::weak_ptr<JobListener> listener) {
  ASSIGN_OR_RETURN(v1::TrainJob job, parts_.store.Get(id));
  ShowProgress(&job);
  if (const std::shared_ptr<JobListener> listening = listener.lock()) listening->OnJob(job);
  if (!HasEnded(job.state())) watchers_.Add(id, std::move(listener));
  return absl::OkStatus();
}

// ---------------------------------------------------------------- steps

void Supervisor::Step() {
  if (ending_ || parts_.clock.Now() >= blocked_until_) {
    const absl::Status status = Advance();
    if (!status.ok()) {
      blocked_until_ = parts_.clock.Now() + options_.retry_delay;
      if (status.ToString() != store_error_) LogError("train jobs cannot go on", {{"reason", status.ToString()}});
    }
    store_error_ = status.ok() ? "" : status.ToString();
  }
  KillOverdue();
  for (Job& job : jobs_) LookAtProgress(job);
}

MonotonicTime Supervisor::next_step() const {
  const MonotonicTime now = parts_.clock.Now();
  MonotonicTime next = blocked_until_ > now ? blocked_until_ : kNever;
  for (const Job& job : jobs_) {
    const bool lives = job.process && !job.process->end;
    if (lives) next = std::min(next, job.process->kill_at);
    if (HasEnded(job.state)) continue;
    if (lives) next = std::min(next, job.last_look + options_.tell_period);
    if (job.not_before > now) next = std::min(next, job.not_before);
  }
  return next;
}

absl::Status Supervisor::Advance() {
  absl::Status status;
  for (Job& job : jobs_) status.Update(Settle(job));
  RETURN_IF_ERROR(status);
  while (true) {
    EraseEnded();
    ASSIGN_OR_RETURN(const bool acted, TakeOneStep());
    if (!acted) return absl::OkStatus();
  }
}

absl::StatusOr<bool> Supervisor::TakeOneStep() {
  for (const JobStep& step : NextSteps(Views(), options_.max_running, ending_, parts_.clock.Now())) {
    ASSIGN_OR_RETURN(const bool acted, Take(step.action, *Find(step.id)));
    if (acted) return true;
  }
  return false;
}

absl::StatusOr<bool> Supervisor::Take(JobAction action, Job& job) {
  switch (action) {
    case JobAction::kCancel:
      RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::CANCELLED, ""));
      return true;
    case JobAction::kStop:
      AskToEnd(*job.process);
      return true;
    case JobAction::kRequeue:
      RETURN_IF_ERROR(ChangeState(job, v1::TrainJob::QUEUED, ""));
      return true;
    case JobAction::kPublish:
      return Publish(job);
    case JobAction::kStart:
      return StartTraining(job);
  }
  return false;
}

absl::Status Supervisor::ChangeState(Job& job, v1::TrainJob::State state, const std::string& reason) {
  FinishProgress(job);
  ASSIGN_OR_RETURN(const v1::TrainJob now, parts_.store.SetState(job.id, state, reason, NowMs()));
  job.state = state;
  job.observer = state == v1::TrainJob::RUNNING ? parts_.metrics.ObserveTraining(job.model) : nullptr;
  LogState(job.id, job.model, state, reason);
  watchers_.ForEach(job.id, [&](JobListener& listener) { listener.OnJob(now); });
  if (HasEnded(state)) watchers_.Forget(job.id);
  CountJobs();
  return absl::OkStatus();
}

void Supervisor::EraseEnded() {
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    if (!HasEnded(job->state) || job->process || job->publishing) {
      ++job;
      continue;
    }
    if (job->deleted) RemoveFolder(job->id);
    job = jobs_.erase(job);
  }
}

void Supervisor::RemoveFolder(const std::string& id) {
  parts_.worker.Do([&folders = parts_.folders, id] {
    const absl::Status status = folders.Remove(id);
    if (!status.ok()) LogWarning("folder of a job cannot be removed", {{"reason", status.ToString()}});
  });
}

void Supervisor::CountJobs() {
  const absl::StatusOr<std::map<v1::TrainJob::State, int64_t>> counted = parts_.store.CountByState();
  if (!counted.ok()) return;
  std::map<std::string, int64_t> jobs;
  for (int state = v1::TrainJob::QUEUED; state <= v1::TrainJob::CANCELLED; ++state) {
    jobs[NameOf(static_cast<v1::TrainJob::State>(state))] = 0;
  }
  for (const auto& [state, count] : *counted) jobs[NameOf(state)] = count;
  parts_.metrics.SetTrainJobs(jobs);
}

}  // namespace beak
