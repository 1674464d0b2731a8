#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/base/mutex.h"
#include "server/observe/families.h"
#include "server/observe/metrics.h"

namespace beak {

// The series of train jobs. Those of a model are there while somebody observes it, and each of them from its first
// value on. *Thread-safe.*
class TrainSeries : public std::enable_shared_from_this<TrainSeries> {
 public:
  explicit TrainSeries(std::shared_ptr<Families> families) : families_(std::move(families)) {}

  void SetJobs(const std::map<std::string, int64_t>& by_state) EXCLUDES(mutex_);
  void SetPausedSeconds(double seconds) EXCLUDES(mutex_);
  std::shared_ptr<TrainingObserver> Observe(const std::string& model) EXCLUDES(mutex_);

 private:
  class Observer;
  struct Model {
    int observers = 0;
    std::map<Families::Gauges*, prometheus::Gauge*> gauges;
  };

  void Set(const std::string& model, Families::Gauges& family, double value) EXCLUDES(mutex_);
  void Leave(const std::string& model) EXCLUDES(mutex_);

  const std::shared_ptr<Families> families_;
  Mutex mutex_;
  std::map<std::string, Model> models_ GUARDED_BY(mutex_);
};

}  // namespace beak
