#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"

namespace inference {
class ModelConfig;
}

namespace beak {

// How requests of a model are queued, batched and answered, as its configuration says. A value type.
struct ServingOptions {
  // Of the requests of one priority level that wait.
  struct Queue {
    bool delay_on_timeout = false;        // put behind the others rather than refused
    std::chrono::nanoseconds timeout{0};  // 0: none
    int64_t max_requests = 0;             // 0: no limit
  };

  // dynamic_batching
  std::vector<int64_t> preferred_rows;  // rising, no two alike
  std::chrono::nanoseconds max_queue_delay{0};
  bool preserve_ordering = false;
  uint64_t priority_levels = 0;
  uint64_t default_priority = 0;
  Queue default_queue;
  std::map<uint64_t, Queue> queues;

  // beak
  std::chrono::nanoseconds default_deadline{0};  // 0: none
  std::chrono::nanoseconds objective{0};         // 0: Beak's choice
  int64_t max_queue_rows = 0;                    // 0: the server's limit alone
  int max_cores = 0;                             // 0: all
  double weight = 1;
  bool split_oversized = true;

  bool cached = false;  // response_cache
};

// What a completed configuration says. INVALID_ARGUMENT naming the field, for values that make no sense.
absl::StatusOr<ServingOptions> MakeServingOptions(const inference::ModelConfig& config);

}  // namespace beak
