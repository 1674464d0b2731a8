#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "server/scheduling/task.h"
#include "server/scheduling/workload.h"

namespace beak {

// The tasks of one workload and priority that wait: in the order in which they are due, first come first served among
// equals. Knows no threads and no clock: time is handed in. *Thread-compatible.*
class TaskQueue {
 public:
  struct Refused {
    std::shared_ptr<Task> task;
    Refusal reason;
  };

  TaskQueue(std::shared_ptr<Workload> workload, uint64_t level)
      : workload_(std::move(workload)), level_(level), policy_(workload_->options().PolicyOf(level)) {}

  void Push(std::shared_ptr<Task> task);

  // The task itself, null where it does not wait here.
  std::shared_ptr<Task> Take(const Task& task);
  // The first tasks. REQUIRES: so many wait.
  std::vector<std::shared_ptr<Task>> TakeFront(size_t count);
  std::vector<std::shared_ptr<Task>> TakeAll() { return TakeFront(size()); }

  // Those that shall not wait any longer: past their deadline, or so near to it that they are hopeless,
  // or for longer than the policy allows. Where that one delays rather than rejects, they go behind all others.
  // `cores` are those that one run could have at once.
  std::vector<Refused> TakeHopeless(MonotonicTime now, int cores = 1);
  // When TakeHopeless will have something to do next; kNever if nothing changes.
  MonotonicTime next_check() const { return checks_.empty() ? kNever : checks_.begin()->first; }

  Workload& workload() const { return *workload_; }
  uint64_t level() const { return level_; }
  const QueuePolicy& policy() const { return policy_; }
  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }
  int64_t rows() const { return rows_; }
  int64_t bytes() const { return bytes_; }
  int64_t requests() const { return requests_; }  // whose first part waits

  // What is known of a task that waits, in the order in which they will be taken.
  struct Waiting {
    std::shared_ptr<Task> task;
    MonotonicTime check_at = kNever;
    bool timeout_over = false;  // the policy's timeout, where it delays
  };
  // By when it is due (kNever for those that were put behind), then by arrival.
  using Key = std::pair<MonotonicTime, uint64_t>;
  const std::map<Key, Waiting>& waiting() const { return waiting_; }

 private:
  using Place = std::map<Key, Waiting>::iterator;

  MonotonicTime CheckAt(const Waiting& waiting) const;
  std::shared_ptr<Task> Remove(Place place);
  // Why it shall leave the queue at `now`, if it shall.
  std::optional<Refusal> Reason(const Waiting& waiting, MonotonicTime now, int cores) const;
  void PutBehind(Place place);

  const std::shared_ptr<Workload> workload_;
  const uint64_t level_;
  const QueuePolicy policy_;

  int64_t rows_ = 0;
  int64_t bytes_ = 0;
  int64_t requests_ = 0;
  uint64_t next_ticket_ = 0;
  std::map<Key, Waiting> waiting_;
  std::set<std::pair<MonotonicTime, Key>> checks_;  // of those that have a time
};

// When a run must begin at the latest to be over at `due` all but surely; `due` itself where the cost is not known.
MonotonicTime LatestStart(MonotonicTime due, const Cost* cost);
// From when on a task can no longer be expected to be over at its deadline: not even a run of the usual length would
// be, on one core or, where that is shorter, on as many as it may use of `cores`. kNever without a deadline.
MonotonicTime HopelessFrom(const Task& task, int cores);

}  // namespace beak
