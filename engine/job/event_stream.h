#pragma once

#include <cstdint>
#include <string>

#include "engine/job/event_sink.h"

namespace beak {

// Tells a job as v1::TrainEvents, each behind its length as protobuf's delimited streams have it (util/
// delimited_message_util.h) and in one write, to a file descriptor that it does not own. Waits where a pipe is full;
// once nobody reads any more it writes nothing, and the job goes on. REQUIRES: SIGPIPE is ignored.
class EventStream final : public EventSink {
 public:
  explicit EventStream(int fd) : fd_(fd) {}

  void Reading(int64_t done, int64_t total) override;
  void Plan(const v1::TrainPlan& plan) override;
  void Progress(const v1::TrainProgress& progress) override;
  void Epoch(const v1::EpochReport& epoch) override;
  void Notice(const std::string& notice) override;
  void Result(const v1::TrainResult& result) override;
  void Failure(const absl::Status& status) override;

 private:
  void Write(const v1::TrainEvent& event);

  const int fd_;
  bool broken_ = false;  // nobody reads
};

}  // namespace beak
