#include "server/scheduling/fifo_queue.h"

namespace beak {

bool FifoQueue::Push(std::shared_ptr<Task> task) {
  if (!empty() && task->rows() > max_rows_ - rows_) return false;
  const Ticket ticket = next_ticket_++;
  rows_ += task->rows();
  tickets_.emplace(task.get(), ticket);
  if (task->deadline() != kNever) deadlines_.emplace(task->deadline(), ticket);
  waiting_.emplace(ticket, std::move(task));
  return true;
}

FifoDecision FifoQueue::Next(MonotonicTime now) {
  FifoDecision decision;
  decision.expired = TakeExpired(now);
  if (!empty()) decision.run = TakeTicket(waiting_.begin()->first);
  return decision;
}

std::vector<std::shared_ptr<Task>> FifoQueue::TakeExpired(MonotonicTime now) {
  std::vector<std::shared_ptr<Task>> expired;
  while (next_deadline() <= now) expired.push_back(TakeTicket(deadlines_.begin()->second));
  return expired;
}

std::vector<std::shared_ptr<Task>> FifoQueue::TakeAll() {
  std::vector<std::shared_ptr<Task>> all;
  while (!empty()) all.push_back(TakeTicket(waiting_.begin()->first));
  return all;
}

std::shared_ptr<Task> FifoQueue::Take(const Task& task) {
  const auto ticket = tickets_.find(&task);
  return ticket == tickets_.end() ? nullptr : TakeTicket(ticket->second);
}

MonotonicTime FifoQueue::next_deadline() const { return deadlines_.empty() ? kNever : deadlines_.begin()->first; }

std::shared_ptr<Task> FifoQueue::TakeTicket(Ticket ticket) {
  const auto entry = waiting_.find(ticket);
  std::shared_ptr<Task> task = std::move(entry->second);
  waiting_.erase(entry);
  tickets_.erase(task.get());
  deadlines_.erase({task->deadline(), ticket});
  rows_ -= task->rows();
  return task;
}

}  // namespace beak
