#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/connection.h"
#include "client/cli/outcome.h"
#include "proto/beak/v1/train.pb.h"

namespace beak::cli {

// The flags of `beak train ...`.
struct TrainFlags {
  Connection connection;
  std::string file;        // submit: the job's
  std::string request_id;  // submit; empty: a random one
  bool watch = false;
  bool validate_only = false;
  std::string job;                          // the others: its id
  std::vector<v1::TrainJob::State> states;  // list; none: all
  std::string model;                        // list; empty: all
  std::string svg;                          // show: a file for a picture; empty: none
  bool json = false;
};

// "running" or "RUNNING"; nullopt for what is no state.
std::optional<v1::TrainJob::State> ParseState(const std::string& text);

// Each asks the server. Those that watch write to stdout and stderr as it goes, and take SIGINT and SIGTERM as the wish
// to stop watching, which the job does not notice; the outcome is good where the job succeeded.
absl::StatusOr<Outcome> SubmitJob(const TrainFlags& flags);
absl::StatusOr<Outcome> ListJobs(const TrainFlags& flags);
absl::StatusOr<Outcome> ShowJob(const TrainFlags& flags);
absl::StatusOr<Outcome> WatchJob(const TrainFlags& flags);
absl::StatusOr<Outcome> CancelJob(const TrainFlags& flags);
absl::StatusOr<Outcome> DeleteJob(const TrainFlags& flags);

}  // namespace beak::cli
