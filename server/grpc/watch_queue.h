#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/status/status.h"
#include "proto/beak/v1/service/train_service.pb.h"

namespace beak {

// What waits to be sent to somebody who watches a train job, in order. Of progress only the newest waits; of jobs,
// epochs and notices none is lost. *Thread-compatible.*
class WatchQueue {
 public:
  // More than so many bytes do not wait, unless they are of one update: who is too slow for that is sent away.
  explicit WatchQueue(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // Ignored once the end is known. A job that has ended is the last update.
  void Add(const v1::TrainJobUpdate& update);
  // The call ends with this once all that waits has been sent. Only the first one counts.
  void End(const absl::Status& status);
  // Nobody listens any more: nothing is to be sent.
  void Abandon();

  // The next update; nullopt where none waits.
  std::optional<v1::TrainJobUpdate> Take();
  // What the call is to end with; nullopt as long as something waits or may come.
  std::optional<absl::Status> end() const;

 private:
  struct Waiting {
    v1::TrainJobUpdate update;
    int64_t bytes = 0;
  };

  void DropProgress();

  const int64_t max_bytes_;
  std::deque<Waiting> waiting_;
  int64_t bytes_ = 0;  // of what waits
  std::optional<absl::Status> end_;
};

}  // namespace beak
