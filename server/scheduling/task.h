#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/base/clock.h"

namespace beak {

// A piece of work that waits for a lane. Exactly one of Run and Refuse is called, once. *Thread-safe* as to its
// properties; Run and Refuse may be called on any thread.
class Task {
 public:
  // REQUIRES: rows >= 1.
  Task(int64_t rows, MonotonicTime deadline) : rows_(rows), deadline_(deadline) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  int64_t rows() const { return rows_; }
  MonotonicTime deadline() const { return deadline_; }

  CancelToken& cancel_token() { return cancel_token_; }
  bool cancelled() const { return cancel_token_.cancelled(); }

  // Does the work on the calling thread, which is a lane of this number.
  virtual void Run(int lane) = 0;
  // The work will not be done, and why. By value: a status that two threads share looks like a race to
  // ThreadSanitizer, which does not see Debian's Abseil count its owners.
  virtual void Refuse(absl::Status why) = 0;

 private:
  const int64_t rows_;
  const MonotonicTime deadline_;
  CancelToken cancel_token_;
};

// Why a task must not begin to run at `now`: DEADLINE_EXCEEDED, else CANCELLED; OK where it may.
inline absl::Status MayRun(const Task& task, MonotonicTime now) {
  if (now >= task.deadline()) return absl::DeadlineExceededError("the deadline passed before the request could run");
  if (task.cancelled()) return absl::CancelledError("the request was cancelled before it could run");
  return absl::OkStatus();
}

}  // namespace beak
