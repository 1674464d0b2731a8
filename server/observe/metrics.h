#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "server/observe/cost_table.h"
#include "server/observe/statistics.h"

namespace beak {

// Everything that is counted about one version of one model: its Prometheus series and its statistics, fed by the same
// calls. The series end with the object. *Thread-safe.*
class VersionObserver {
 public:
  virtual ~VersionObserver() = default;

  // One request has been answered, whatever the answer; called once a request.
  virtual void RecordRequest(const RequestObservation& request) = 0;
  // The network has run once, with success, on `rows` rows.
  virtual void RecordExecution(int64_t rows, const ComputeTimes& times) = 0;
  // A request was looked up in the response cache, and how long that took; with a miss, storing the answer included.
  // Called once a request that the cache may answer, beside RecordRequest.
  virtual void RecordCacheHit(std::chrono::nanoseconds duration) = 0;
  virtual void RecordCacheMiss(std::chrono::nanoseconds duration) = 0;

  virtual void SetLoadTime(std::chrono::nanoseconds duration) = 0;
  virtual void SetWeightBytes(int64_t bytes) = 0;
  virtual void SetPrograms(int count) = 0;
  virtual void SetCosts(const CostCurve& curve) = 0;

  virtual VersionStatistics statistics() const = 0;
};

// How the training of a model goes, in gauges that end with the last object of that model. *Thread-safe.*
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;

  virtual void SetLoss(double loss) = 0;          // mean of the epoch so far
  virtual void SetAccuracy(double accuracy) = 0;  // of the held-out data, after an epoch
  virtual void SetLearningRate(double rate) = 0;
  virtual void SetSamplesPerSecond(double rate) = 0;
  virtual void SetStepSeconds(double seconds) = 0;
};

// Everything that the server counts and measures, for Prometheus; families.h has the names. Labels take their values
// from bounded sets only: models and versions that were found on disk, codes, states; never from what a client sent.
// *Thread-safe.*
class Metrics {
 public:
  explicit Metrics(const std::string& build_version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Scheduling.
  void SetLanes(int lanes);
  void SetLanesBusy(int lanes);
  // What waits for a lane: rows of requests, and the bytes that they hold.
  void SetQueue(int64_t rows, int64_t bytes);
  // See Headroom; and what has been offered since the start.
  void SetHeadroom(double ratio, double offered_seconds);

  // The response cache: what it holds, and what it has given up so far to make room. The series are there from the
  // first call on.
  void SetCache(int64_t entries, int64_t bytes, int64_t evictions);

  // What the process may hold before models are refused. The series is there from the first call on.
  void SetMemoryLimit(int64_t bytes);

  // A request that was answered without reaching any version of a model: its model label is empty.
  void RecordUnrouted(absl::StatusCode outcome);

  // The series of a version. While an observer of the same version lives, that one is returned.
  std::shared_ptr<VersionObserver> ObserveVersion(const std::string& model, int64_t version);

  // Where a version stands in its life; one series with value 1, labelled with the state. "" removes it.
  void SetVersionState(const std::string& model, int64_t version, const std::string& state);

  // Train jobs: how many there are by state (states that are not named keep their value), and for how long processes
  // have been paused so far. An observer of a model whose name has been checked.
  void SetTrainJobs(const std::map<std::string, int64_t>& by_state);
  void SetTrainPausedSeconds(double seconds);
  std::shared_ptr<TrainingObserver> ObserveTraining(const std::string& model);

  // Called before each scrape, to bring gauges up to date that nobody else follows.
  void OnScrape(std::function<void()> refresh);

  // What a scrape is answered with.
  std::string Text() const;

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace beak
