#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/base/scoped_fd.h"

namespace beak {

// What a train process is started with.
struct TrainCommand {
  std::string program;
  std::vector<std::string> arguments;  // those that say where its pipes are come on top
  int64_t data_limit_bytes = 0;        // RLIMIT_DATA; 0: none
};

// A process that trains, in a group of its own with the lowest priority there is, the first to go when memory runs out.
// It tells events through one pipe, writes text into another and ends when a third, which it reads, is closed: also
// when this process dies, whatever kills it. *Thread-safe* but for Reap.
class TrainProcess {
 public:
  struct End {
    int status = -1;  // exit status; -1 where a signal ended it
    int signal = 0;
  };

  // Returns once the program runs. Errors are the system's: NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE (too many
  // processes), RESOURCE_EXHAUSTED.
  static absl::StatusOr<std::unique_ptr<TrainProcess>> Start(const TrainCommand& command);
  // Kills it, unless it has been reaped.
  ~TrainProcess();
  TrainProcess(const TrainProcess&) = delete;
  TrainProcess& operator=(const TrainProcess&) = delete;

  // Of it and all that it starts; nobody else's until it is reaped.
  pid_t group() const { return pid_; }

  // What to read, without waiting: events, and what it writes to stdout and stderr.
  int events() const { return events_.get(); }
  int output() const { return output_.get(); }

  // Closes the control pipe: it finishes its batch and writes a checkpoint. One that is paused has to be continued.
  void AskToEnd() EXCLUDES(mutex_);
  void Kill() EXCLUDES(mutex_);

  bool HasEnded() const;
  // Waits for the end, and lets go of its number. Call once; whatever is left of its group is killed.
  End Reap() EXCLUDES(mutex_);

 private:
  TrainProcess(pid_t pid, ScopedFd events, ScopedFd output, ScopedFd control);

  const pid_t pid_;
  const ScopedFd events_;
  const ScopedFd output_;

  Mutex mutex_;
  ScopedFd control_ GUARDED_BY(mutex_);
  bool reaped_ GUARDED_BY(mutex_) = false;
};

}  // namespace beak
