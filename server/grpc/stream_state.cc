#include "server/grpc/stream_state.h"

#include "engine/base/check.h"

namespace beak {

std::optional<uint64_t> StreamState::OnRead(int64_t bytes) {
  BEAK_CHECK(reading_);
  reading_ = false;
  if (abandoned_ || finished_) return std::nullopt;
  ++unanswered_;
  bytes_ += bytes;
  requests_.push_back({next_number_, bytes, false, true});
  return next_number_++;
}

void StreamState::OnReadEnd() {
  BEAK_CHECK(reading_);
  reading_ = false;
  read_ended_ = true;
}

void StreamState::OnAnswer(uint64_t request, bool good, int64_t bytes) {
  // Numbers follow each other and only the first ones leave.
  Request& answered = requests_[static_cast<size_t>(request - requests_.front().number)];
  BEAK_CHECK(answered.number == request && !answered.answered);
  answered.answered = true;
  answered.good = good;
  bytes_ += bytes - answered.bytes;
  answered.bytes = bytes;
  --unanswered_;
}

void StreamState::OnWritten(bool sent) {
  BEAK_CHECK(writing_);
  writing_ = false;
  bytes_ -= requests_.front().bytes;
  requests_.pop_front();
  abandoned_ = abandoned_ || !sent;
}

void StreamState::OnCancel() { abandoned_ = true; }

void StreamState::OnServerEnds() { server_ends_ = true; }

bool StreamState::MayRead() const {
  if (reading_ || read_ended_ || server_ends_) return false;
  if (requests_.empty()) return true;
  return static_cast<int64_t>(requests_.size()) < limits_.requests && bytes_ < limits_.bytes;
}

StreamState::Step StreamState::Next() {
  if (finished_) return {};
  if (!abandoned_ && !writing_ && !requests_.empty() && requests_.front().answered) {
    const Request& first = requests_.front();
    if (first.good || !errors_end_it_) {
      writing_ = true;
      return {Act::kWrite, first.number};
    }
    abandoned_ = true;
    failed_request_ = first.number;
  }
  if (abandoned_ && !abandon_told_) {
    abandon_told_ = true;
    return {Act::kAbandon};
  }
  if (!abandoned_ && MayRead()) {
    reading_ = true;
    return {Act::kRead};
  }
  const bool over = abandoned_ || ((read_ended_ || server_ends_) && requests_.empty());
  return over && !writing_ && unanswered_ == 0 ? Finish() : Step();
}

StreamState::Step StreamState::Finish() {
  finished_ = true;
  if (failed_request_) return {Act::kFinish, *failed_request_, End::kError};
  if (abandoned_) return {Act::kFinish, 0, End::kCancelled};
  return {Act::kFinish, 0, read_ended_ ? End::kDone : End::kServer};
}

}  // namespace beak
