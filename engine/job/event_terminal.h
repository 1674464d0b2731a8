#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "engine/base/clock.h"
#include "engine/job/event_sink.h"

namespace beak {

// Tells a job to somebody at a terminal: a table of epochs, and how far it is.
class EventTerminal final : public EventSink {
 public:
  struct Options {
    FILE* table = stdout;     // what the job gives: epochs and result
    FILE* progress = stderr;  // how far it is, and notices
    bool rewrite = false;     // `progress` is a terminal: its last line is written again and again
  };

  // The clock must outlive it.
  EventTerminal(const Options& options, const Clock& clock) : options_(options), clock_(clock) {}

  void Reading(int64_t done, int64_t total) override;
  void Plan(const v1::TrainPlan& plan) override;
  void Progress(const v1::TrainProgress& progress) override;
  void Epoch(const v1::EpochReport& epoch) override;
  void Notice(const std::string& notice) override;
  void Result(const v1::TrainResult& result) override;
  void Failure(const absl::Status& status) override;

 private:
  // A line that the next one takes the place of, where it can; where not, only now and then.
  void Show(const std::string& line);
  void Clear();  // takes it away
  void Print(FILE* to, const std::string& line);

  const Options options_;
  const Clock& clock_;
  bool shown_ = false;
  MonotonicTime last_ = MonotonicTime::min();  // that a plain line was written
  bool header_ = false;                        // of the table
};

}  // namespace beak
