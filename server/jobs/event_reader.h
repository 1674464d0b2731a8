#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// The largest event that is taken. Of what a trainer tells, a result with all its classes and notices is the largest.
inline constexpr int64_t kMaxEventBytes = int64_t{16} << 20;

// Cuts the bytes that a train process writes into its events: protobuf's length-delimited form, a varint and so many
// bytes. Holds no more than has come of one event. *Thread-compatible.*
class EventReader {
 public:
  explicit EventReader(int64_t max_bytes = kMaxEventBytes) : max_bytes_(max_bytes) {}

  // Takes the next bytes and tells the events that are complete now. DATA_LOSS once they are no events; nothing that
  // follows is read then.
  absl::Status Feed(std::string_view bytes, const std::function<void(v1::TrainEvent)>& told);

  // False where the bytes so far end within an event.
  bool at_boundary() const { return buffer_.empty(); }

 private:
  // The length of the event that the buffer begins with and of its varint; `length` -1: more bytes are needed.
  struct Header {
    int64_t length = -1;
    size_t bytes = 0;
  };
  absl::Status ReadHeader(std::string_view bytes, Header* header) const;

  const int64_t max_bytes_;
  std::string buffer_;
  absl::Status status_;
};

}  // namespace beak
