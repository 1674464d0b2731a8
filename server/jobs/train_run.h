#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/event_reader.h"
#include "server/jobs/job_log.h"
#include "server/jobs/pacer.h"
#include "server/jobs/train_process.h"

namespace beak {

// How a run came to its end.
struct RunEnd {
  absl::Status started;  // why there was no process; CANCELLED where it was asked to end before
  absl::Status events;   // what it told that was no event
  TrainProcess::End process;
  bool timed_out = false;  // killed for taking longer than allowed
  std::string last_line;   // of what it wrote
};

// One run of a train process, on a thread of its own: prepared, started, paced, listened to and waited for.
// *Thread-safe.*
class TrainRun {
 public:
  struct Options {
    // Called first, on the run's thread; its error is the run's end.
    std::function<absl::StatusOr<TrainCommand>()> prepare;
    std::string log_file;
    int threads = 1;                              // that the process computes with
    std::chrono::nanoseconds time_limit{0};       // 0: none
    std::chrono::nanoseconds progress_period{0};  // progress that comes faster is passed over, but for the last
    // Both on the run's thread. Events that nobody has called Handled for are waited for once there are many.
    std::function<void(v1::TrainEvent)> told;
    std::function<void(RunEnd)> ended;  // the last thing that is called
  };

  // UNAVAILABLE where there can be no further thread.
  static absl::StatusOr<std::unique_ptr<TrainRun>> Start(Options options, Pacer& pacer, const Clock& clock);
  // Kills the process. REQUIRES: whoever calls Handled does so meanwhile, or need not any more.
  ~TrainRun();

  // An event that was told has been dealt with.
  void Handled() EXCLUDES(mutex_);

  // Lets it go on where it is paused, and tells it to end.
  void AskToEnd() EXCLUDES(mutex_);
  void Kill() EXCLUDES(mutex_);

  // How long it has been kept from computing so far.
  std::chrono::nanoseconds paused_time() const EXCLUDES(mutex_);

 private:
  struct Listening;

  TrainRun(Options options, Pacer& pacer, const Clock& clock)
      : options_(std::move(options)), pacer_(pacer), clock_(clock) {}

  void Run() EXCLUDES(mutex_);
  RunEnd RunPrepared(absl::StatusOr<TrainCommand> command) EXCLUDES(mutex_);
  void RunProcess(const TrainCommand& command, JobLog& log, RunEnd* end) EXCLUDES(mutex_);
  absl::StatusOr<std::unique_ptr<TrainProcess>> StartProcess(const TrainCommand& command) EXCLUDES(mutex_);
  void Listen(Listening& listening);
  void ReadOutput(Listening& listening);
  void ReadEvents(Listening& listening);
  void Hear(Listening& listening, v1::TrainEvent event);
  void TellProgress(Listening& listening);
  void Tell(v1::TrainEvent event) EXCLUDES(mutex_);

  const Options options_;
  Pacer& pacer_;
  const Clock& clock_;

  mutable Mutex mutex_;
  CondVar handled_;
  int unhandled_ GUARDED_BY(mutex_) = 0;
  bool asked_ GUARDED_BY(mutex_) = false;
  bool killed_ GUARDED_BY(mutex_) = false;
  TrainProcess* process_ GUARDED_BY(mutex_) = nullptr;  // while it runs

  std::thread thread_;
};

}  // namespace beak
