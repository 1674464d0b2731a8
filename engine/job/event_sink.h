#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// Whoever is told how a train job goes on: a server, or somebody at a terminal. Nothing that it does can fail the job.
// *Thread-compatible.*
class EventSink {
 public:
  virtual ~EventSink() = default;

  // While data is read: how many of how many samples.
  virtual void Reading(int64_t done, int64_t total) = 0;
  virtual void Plan(const v1::TrainPlan& plan) = 0;
  virtual void Progress(const v1::TrainProgress& progress) = 0;
  virtual void Epoch(const v1::EpochReport& epoch) = 0;
  virtual void Notice(const std::string& notice) = 0;
  virtual void Result(const v1::TrainResult& result) = 0;
  virtual void Failure(const absl::Status& status) = 0;  // the last thing
};

}  // namespace beak
