#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "proto/beak/v1/service/train_service.pb.h"

namespace beak::cli {

// What somebody sees who watches a job until it has ended: a table of epochs, how far the job is, and notices. On a
// terminal the last line is written again and again; elsewhere there are whole lines without control characters, now
// and then. *Thread-compatible.*
class WatchView {
 public:
  struct Options {
    FILE* table = stdout;
    FILE* progress = stderr;       // how far the job is, and notices
    std::function<int()> columns;  // of the terminal that `progress` is; null: it is none
    bool utf8 = false;
  };

  // The clock must outlive it.
  WatchView(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
  ~WatchView() { Clear(); }
  WatchView(const WatchView&) = delete;
  WatchView& operator=(const WatchView&) = delete;

  void Tell(const v1::TrainJobUpdate& update);
  // The server has gone away, and is waited for.
  void Lost(const absl::Status& status);
  // Takes the line away that would be written again.
  void Clear();

 private:
  void TellJob(const v1::TrainJob& job);
  void TellProgress(const v1::TrainProgress& progress);
  void TellEpoch(const v1::EpochReport& epoch);
  // A line that the next one takes the place of.
  void Rewrite(const std::string& line);
  void Print(FILE* to, const std::string& line);

  const Options options_;
  const Clock& clock_;
  bool shown_ = false;                               // there is a line to be taken away
  MonotonicTime last_plain_ = MonotonicTime::min();  // that progress was told in a plain line
  bool paused_ = false;
  v1::TrainJob::State state_ = v1::TrainJob::UNKNOWN;
  int64_t next_epoch_ = 0;  // the first that is not in the table
};

}  // namespace beak::cli
