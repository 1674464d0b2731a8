// What the processes of jobs tell, and who is told of it.

#include <utility>

#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/supervisor.h"

namespace beak {
namespace {

// A process counts as paused where it was for more than this share of the last while.
constexpr double kPausedShare = 0.5;

}  // namespace

void Supervisor::OnEvent(const std::string& id, uint64_t number, const v1::TrainEvent& event) {
  Job* job = Find(id);
  if (job == nullptr || !job->process || job->process->number != number) return;
  job->process->run->Handled();
  if (HasEnded(job->state)) return;
  switch (event.kind_case()) {
    case v1::TrainEvent::kProgress:
      return OnProgress(*job, event.progress());
    case v1::TrainEvent::kEpoch:
      return OnEpoch(*job, event.epoch());
    case v1::TrainEvent::kNotice:
      return watchers_.ForEach(id, [&](JobListener& listener) { listener.OnNotice(event.notice()); });
    case v1::TrainEvent::kResult:
      job->process->result = event.result();
      return;
    case v1::TrainEvent::kFailure:
      job->process->failure = event.failure();
      return;
    default:
      return;
  }
}

void Supervisor::OnProgress(Job& job, const v1::TrainProgress& progress) {
  job.waits = 0;
  if (progress.step() > job.farthest_step) {
    job.farthest_step = progress.step();
    job.process->advanced = true;
  }
  const bool paused = job.progress.paused();
  job.progress = progress;
  job.progress.set_paused(paused);
  ProgressChanged(job);
  LookAtProgress(job);
  const bool trains = job.observer != nullptr && progress.phase() == v1::TrainProgress::TRAINING && progress.step() > 0;
  if (!trains) return;
  job.observer->SetLoss(progress.loss());
  job.observer->SetLearningRate(progress.learning_rate());
  job.observer->SetSamplesPerSecond(progress.samples_per_second());
  job.observer->SetStepSeconds(progress.step_seconds());
}

void Supervisor::OnEpoch(Job& job, const v1::EpochReport& epoch) {
  job.unwritten_epochs.push_back(epoch);
  const absl::Status written = WriteEpochs(job);
  if (!written.ok()) LogWarning("epoch of a train job is kept for later", {{"reason", written.ToString()}});
  if (job.observer && epoch.held_out().has_accuracy()) job.observer->SetAccuracy(epoch.held_out().accuracy());
  // A process that had to go further back tells what has been told.
  if (epoch.epoch() <= job.last_epoch) return;
  job.last_epoch = epoch.epoch();
  watchers_.ForEach(job.id, [&](JobListener& listener) { listener.OnEpoch(epoch); });
}

absl::Status Supervisor::WriteEpochs(Job& job) {
  while (!job.unwritten_epochs.empty()) {
    RETURN_IF_ERROR(parts_.store.AddEpoch(job.id, job.unwritten_epochs.front()));
    job.unwritten_epochs.erase(job.unwritten_epochs.begin());
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- progress

void Supervisor::ProgressChanged(Job& job) {
  job.untold = job.unwritten = true;
  MutexLock lock(live_mutex_);
  live_[job.id] = job.progress;
}

void Supervisor::LookAtProgress(Job& job) {
  if (!job.process || job.process->end || HasEnded(job.state)) return;
  const MonotonicTime now = parts_.clock.Now();
  if (now - job.last_look >= options_.tell_period) LookWhetherPaused(job, now);
  if (job.untold && now >= job.next_tell) {
    job.untold = false;
    job.next_tell = now + options_.tell_period;
    watchers_.ForEach(job.id, [&](JobListener& listener) { listener.OnProgress(job.progress); });
  }
  if (job.unwritten && now >= job.next_write) {
    job.next_write = now + options_.store_period;
    job.unwritten = !parts_.store.SetProgress(job.id, job.progress).ok();
  }
}

void Supervisor::LookWhetherPaused(Job& job, MonotonicTime now) {
  const std::chrono::nanoseconds paused_time =
      job.process->run ? job.process->run->paused_time() : job.process->paused_time;
  const bool paused = Seconds(paused_time - job.process->paused_time) > kPausedShare * Seconds(now - job.last_look);
  job.process->paused_time = paused_time;
  job.last_look = now;
  parts_.metrics.SetTrainPausedSeconds(Seconds(parts_.pacer.TotalPausedTime()));
  if (paused == job.progress.paused()) return;
  job.progress.set_paused(paused);
  ProgressChanged(job);
}

// What was last known stays with the job.
void Supervisor::FinishProgress(Job& job) {
  if (job.progress.paused()) {
    job.progress.set_paused(false);
    job.unwritten = true;
  }
  job.untold = false;
  if (job.unwritten) job.unwritten = !parts_.store.SetProgress(job.id, job.progress).ok();
  MutexLock lock(live_mutex_);
  live_.erase(job.id);
}

void Supervisor::ShowProgress(v1::TrainJob* job) const {
  MutexLock lock(live_mutex_);
  const auto live = live_.find(job->id());
  if (live != live_.end()) *job->mutable_progress() = live->second;
}

}  // namespace beak
