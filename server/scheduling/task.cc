#include "server/scheduling/task.h"

namespace beak {

const char* NameOf(Refusal reason) {
  switch (reason) {
    case Refusal::kQueueFull:
      return "queue_full";
    case Refusal::kHopeless:
      return "hopeless";
    case Refusal::kExpired:
      return "expired";
    case Refusal::kQueueTimeout:
      return "queue_timeout";
    case Refusal::kCancelled:
      return "cancelled";
    case Refusal::kShutdown:
      return "shutdown";
    case Refusal::kFailed:
      break;
  }
  return "failed";
}

absl::Status MayRun(const Task& task, MonotonicTime now) {
  if (now >= task.deadline()) return absl::DeadlineExceededError("the deadline passed before the request could run");
  if (task.cancelled()) return absl::CancelledError("the request was cancelled before it could run");
  return absl::OkStatus();
}

}  // namespace beak
