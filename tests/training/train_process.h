#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/scoped_fd.h"
#include "google/protobuf/io/zero_copy_stream_impl.h"
#include "proto/beak/v1/train.pb.h"

namespace beak::testing {

// beak-train as a server starts it: events and control in pipes, stdout and stderr in a file. Killed at the end of its
// life where it lives still. *Thread-compatible.*
class TrainProcess {
 public:
  struct Options {
    bool events = true;    // --events-fd
    bool control = false;  // --control-fd
  };
  TrainProcess(std::vector<std::string> arguments, const Options& options);
  explicit TrainProcess(std::vector<std::string> arguments);
  ~TrainProcess();
  TrainProcess(const TrainProcess&) = delete;
  TrainProcess& operator=(const TrainProcess&) = delete;

  // The next thing that it tells, waiting for it; nothing once it has ended.
  std::optional<v1::TrainEvent> Next();
  // Reads until there is an epoch with this number, or the end (false).
  bool AwaitEpoch(int64_t epoch);
  void Signal(int number);
  void CloseControl() { control_.reset(); }
  void CloseEvents();
  // Reads all that is left, and gives the exit status; -1 where a signal ended it.
  int Wait();

  const std::vector<v1::TrainEvent>& events() const { return events_; }
  // Of those that it has told so far.
  std::vector<v1::EpochReport> Epochs() const;
  std::optional<v1::TrainResult> Result() const;
  std::optional<v1::TrainFailure> Failure() const;
  std::string Notices() const;  // a line each
  std::string Output() const;   // what it has printed; once it has ended

 private:
  pid_t pid_ = 0;
  ScopedFd control_;
  ScopedFd events_fd_;
  std::unique_ptr<google::protobuf::io::FileInputStream> stream_;
  std::vector<v1::TrainEvent> events_;
  FILE* output_;
};

}  // namespace beak::testing
