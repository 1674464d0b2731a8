#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/base/clock.h"

namespace beak {

class TaskQueue;
class Workload;

// Why a task was not run, for whoever counts.
enum class Refusal {
  kQueueFull,     // rows, bytes or requests that wait are at their limit
  kHopeless,      // it could not have been finished by its deadline any more
  kExpired,       // its deadline passed while it waited
  kQueueTimeout,  // the time in the queue that the model's configuration allows has passed
  kCancelled,     // nobody wants the result
  kShutdown,      // the end is near
  kFailed,        // it cannot be run at all
};
inline constexpr int kNumRefusals = 7;

// "queue_full", "hopeless" ...
const char* NameOf(Refusal reason);

// A piece of work that waits for a lane: rows that its workload may run together with others. It is either run, as part
// of a batch, or refused, once. *Thread-safe* as to its properties.
class Task {
 public:
  struct Properties {
    int64_t rows = 1;   // at least 1
    int64_t bytes = 0;  // of memory that it holds while it waits
    MonotonicTime arrived;
    MonotonicTime deadline = kNever;
    uint64_t priority = 0;  // 1 is the highest; 0: the workload's default
    bool first = true;      // of the parts of a request, or all of it
    // A step of a request whose first step has been taken: it is taken too while the scheduler drains.
    bool continues = false;
  };

  Task(std::shared_ptr<Workload> workload, const Properties& properties)
      : workload_(std::move(workload)), properties_(properties) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  Workload& workload() const { return *workload_; }
  const std::shared_ptr<Workload>& shared_workload() const { return workload_; }
  int64_t rows() const { return properties_.rows; }
  int64_t bytes() const { return properties_.bytes; }
  MonotonicTime arrived() const { return properties_.arrived; }
  MonotonicTime deadline() const { return properties_.deadline; }
  uint64_t priority() const { return properties_.priority; }
  bool first() const { return properties_.first; }
  bool continues() const { return properties_.continues; }

  CancelToken& cancel_token() { return cancel_token_; }
  bool cancelled() const { return cancel_token_.cancelled(); }

  // The work will not be done, and why. On any thread. By value: a status that two threads share looks like a race to
  // ThreadSanitizer, which does not see Debian's Abseil count its owners.
  virtual void Refuse(absl::Status why, Refusal reason) = 0;

 private:
  friend class TaskQueue;

  const std::shared_ptr<Workload> workload_;
  const Properties properties_;
  CancelToken cancel_token_;

  // Where it waits; the queue's own, under whatever guards that.
  const TaskQueue* queue_ = nullptr;
  std::pair<MonotonicTime, uint64_t> queue_key_;
};

// Why a task must not begin to run at `now`: DEADLINE_EXCEEDED, else CANCELLED; OK where it may.
absl::Status MayRun(const Task& task, MonotonicTime now);

}  // namespace beak
