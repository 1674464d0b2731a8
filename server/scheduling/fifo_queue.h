#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "server/scheduling/task.h"

namespace beak {

// What a free lane shall do.
struct FifoDecision {
  std::shared_ptr<Task> run;                   // null where nothing waits
  std::vector<std::shared_ptr<Task>> expired;  // to be refused
};

// The order of tasks that wait, and a limit on their rows: first come, first served. Knows no threads and no clock:
// time is handed in. *Thread-compatible.*
class FifoQueue {
 public:
  explicit FifoQueue(int64_t max_rows) : max_rows_(max_rows) {}

  // False where the task does not fit. One with more rows than the limit fits into an empty queue.
  [[nodiscard]] bool Push(std::shared_ptr<Task> task);

  // The oldest task that is not expired, and all that are. Both leave the queue.
  FifoDecision Next(MonotonicTime now);
  std::vector<std::shared_ptr<Task>> TakeExpired(MonotonicTime now);
  std::vector<std::shared_ptr<Task>> TakeAll();
  // The task itself, null where it does not wait here.
  std::shared_ptr<Task> Take(const Task& task);

  // When TakeExpired will have something next; kNever if nothing changes.
  MonotonicTime next_deadline() const;
  int64_t rows() const { return rows_; }
  int64_t max_rows() const { return max_rows_; }
  bool empty() const { return waiting_.empty(); }

 private:
  using Ticket = uint64_t;  // counts arrivals

  std::shared_ptr<Task> TakeTicket(Ticket ticket);

  const int64_t max_rows_;
  int64_t rows_ = 0;
  Ticket next_ticket_ = 0;
  std::map<Ticket, std::shared_ptr<Task>> waiting_;
  std::unordered_map<const Task*, Ticket> tickets_;
  std::set<std::pair<MonotonicTime, Ticket>> deadlines_;  // of those that have one
};

}  // namespace beak
