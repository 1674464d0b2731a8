#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mailbox.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/job_folders.h"
#include "server/jobs/pacer.h"
#include "server/jobs/train_commands.h"
#include "server/jobs/train_run.h"
#include "server/jobs/worker.h"

namespace beak {

// Has specs checked by processes (beak-train --check), a few at a time. *Thread-compatible*: of the thread that empties
// the mailbox.
class SpecChecks {
 public:
  struct Parts {
    const JobFolders& folders;
    Pacer& pacer;
    const Clock& clock;
    Worker& worker;
    Mailbox& mailbox;
  };
  using Done = std::function<void(const absl::Status&)>;

  SpecChecks(const TrainSettings& settings, std::chrono::nanoseconds limit, const Parts& parts);

  // `served_file`: the model that the job begins with; empty: none. `done` hears OK, or what is wrong, as beak-train
  // says it; OK also where that takes longer than the limit. RESOURCE_EXHAUSTED where too many wait.
  void Check(const v1::TrainJobSpec& spec, const std::string& served_file, Done done);

  // Ends what is under way. Everybody is told UNAVAILABLE, now and from now on.
  void Stop();
  bool idle() const { return running_.empty(); }

 private:
  struct Waiting {
    v1::TrainJobSpec spec;
    std::string served_file;
    Done done;
  };
  struct Running {
    Done done;
    std::optional<v1::TrainFailure> failure;
    std::unique_ptr<TrainRun> run;
  };

  void StartNext();
  TrainRun::Options Plan(int64_t number, const Waiting& check);
  void Told(int64_t number, const v1::TrainEvent& event);
  void Ended(int64_t number, const RunEnd& end);

  const TrainSettings settings_;
  const std::chrono::nanoseconds limit_;
  const Parts parts_;
  bool stopped_ = false;
  int64_t last_number_ = 0;
  std::deque<Waiting> waiting_;
  std::map<int64_t, Running> running_;
};

}  // namespace beak
