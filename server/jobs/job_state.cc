#include "server/jobs/job_state.h"

namespace beak {
namespace {

using Job = v1::TrainJob;

// What becomes of a job whose steps are not held up by its process.
void AddSteps(const JobView& job, bool ending, std::vector<JobStep>* steps) {
  const bool ended = HasEnded(job.state);
  const bool cancel = job.cancel && !ended && !job.publishing;
  if (cancel) steps->push_back({JobAction::kCancel, job.id});
  if (job.process && !job.stop_asked && (ended || cancel || ending)) steps->push_back({JobAction::kStop, job.id});
  if (cancel || ending || job.process) return;
  if (job.state == Job::RUNNING) steps->push_back({JobAction::kRequeue, job.id});
  if (job.state == Job::PUBLISHING && !job.publishing) steps->push_back({JobAction::kPublish, job.id});
}

}  // namespace

const char* NameOf(Job::State state) {
  switch (state) {
    case Job::QUEUED:
      return "queued";
    case Job::RUNNING:
      return "running";
    case Job::PUBLISHING:
      return "publishing";
    case Job::SUCCEEDED:
      return "succeeded";
    case Job::FAILED:
      return "failed";
    case Job::CANCELLED:
      return "cancelled";
    default:
      return "unknown";
  }
}

bool HasEnded(Job::State state) { return state == Job::SUCCEEDED || state == Job::FAILED || state == Job::CANCELLED; }

bool MayFollow(Job::State from, Job::State to) {
  const bool under_way = from == Job::QUEUED || from == Job::RUNNING || from == Job::PUBLISHING;
  switch (to) {
    case Job::QUEUED:
      return from == Job::RUNNING;
    case Job::RUNNING:
      return from == Job::QUEUED;
    case Job::PUBLISHING:
      return from == Job::RUNNING;
    case Job::SUCCEEDED:
      return from == Job::PUBLISHING;
    case Job::FAILED:
    case Job::CANCELLED:
      return under_way;
    default:
      return false;
  }
}

std::vector<JobStep> NextSteps(const std::vector<JobView>& jobs, int max_running, bool ending, MonotonicTime now) {
  std::vector<JobStep> steps;
  int processes = 0;
  for (const JobView& job : jobs) {
    processes += job.process ? 1 : 0;
    AddSteps(job, ending, &steps);
  }
  for (const JobView& job : jobs) {
    const bool ready = job.state == Job::QUEUED && !job.cancel && !job.process && job.not_before <= now;
    if (!ready || ending || processes >= max_running) continue;
    steps.push_back({JobAction::kStart, job.id});
    ++processes;
  }
  return steps;
}

}  // namespace beak
