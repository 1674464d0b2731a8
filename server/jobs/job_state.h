#pragma once

#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// "queued", "running" ...
const char* NameOf(v1::TrainJob::State state);

// SUCCEEDED, FAILED or CANCELLED: nothing follows.
bool HasEnded(v1::TrainJob::State state);

// True where the chain has a step from one to the other: QUEUED -> RUNNING -> PUBLISHING -> SUCCEEDED, from each of the
// first three to FAILED and CANCELLED, and from RUNNING back to QUEUED: its process was stopped by a server's end, or
// died and is to be tried again.
bool MayFollow(v1::TrainJob::State from, v1::TrainJob::State to);

// A job as far as the next steps depend on it.
struct JobView {
  std::string id;
  v1::TrainJob::State state = v1::TrainJob::QUEUED;
  bool cancel = false;                              // somebody wants it cancelled
  bool process = false;                             // a process of it lives, in whatever state the job is
  bool stop_asked = false;                          // ... and has been told to end
  bool publishing = false;                          // the publisher is at work on it
  MonotonicTime not_before = MonotonicTime::min();  // when it may be started (again)
};

enum class JobAction {
  kCancel,   // write down that it is CANCELLED
  kStop,     // tell its process to end
  kRequeue,  // write down that it is QUEUED: it ran when an earlier server ended
  kPublish,  // publish what it gave: it was PUBLISHING when an earlier server ended, or has just become so
  kStart,    // start a process for it
};

struct JobStep {
  JobAction action = JobAction::kStart;
  std::string id;

  friend bool operator==(const JobStep&, const JobStep&) = default;
};

// What to do now, in this order; once done, it is asked again. `jobs` are those that have not ended or whose process
// lives, oldest first; they are started in that order, at most `max_running` processes at a time, whatever their jobs'
// state. A job that is being published is not cancelled: it ends in a moment. With `ending` (of the server) processes
// are stopped, and nothing else is begun.
std::vector<JobStep> NextSteps(const std::vector<JobView>& jobs, int max_running, bool ending, MonotonicTime now);

}  // namespace beak
