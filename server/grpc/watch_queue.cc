#include "server/grpc/watch_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/jobs/job_state.h"

namespace beak {
namespace {

// What an update takes besides what it says, about.
constexpr int64_t kUpdateBytes = 256;

}  // namespace

void WatchQueue::Add(const v1::TrainJobUpdate& update) {
  if (end_) return;
  if (update.has_progress()) DropProgress();
  const int64_t bytes = kUpdateBytes + static_cast<int64_t>(update.ByteSizeLong());
  if (!waiting_.empty() && bytes_ + bytes > max_bytes_) {
    waiting_.clear();
    return End(absl::ResourceExhaustedError(
        absl::StrCat("watch: expected updates to be read as they come, got ", max_bytes_, " bytes behind")));
  }
  waiting_.push_back({update, bytes});
  bytes_ += bytes;
  if (update.has_job() && HasEnded(update.job().state())) End(absl::OkStatus());
}

void WatchQueue::End(const absl::Status& status) {
  if (!end_) end_ = status;
}

void WatchQueue::Abandon() {
  waiting_.clear();
  End(absl::CancelledError());
}

std::optional<v1::TrainJobUpdate> WatchQueue::Take() {
  if (waiting_.empty()) return std::nullopt;
  std::optional<v1::TrainJobUpdate> update = std::move(waiting_.front().update);
  bytes_ -= waiting_.front().bytes;
  waiting_.pop_front();
  return update;
}

std::optional<absl::Status> WatchQueue::end() const { return waiting_.empty() ? end_ : std::nullopt; }

void WatchQueue::DropProgress() {
  const auto old =
      std::find_if(waiting_.begin(), waiting_.end(), [](const Waiting& it) { return it.update.has_progress(); });
  if (old == waiting_.end()) return;
  bytes_ -= old->bytes;
  waiting_.erase(old);
}

}  // namespace beak
