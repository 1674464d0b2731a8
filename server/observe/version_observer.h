#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/mutex.h"
#include "server/observe/families.h"
#include "server/observe/metrics.h"

namespace beak {

// "ok", "deadline_exceeded" ...: the outcome label.
std::string OutcomeLabel(absl::StatusCode code);

// The observer that Metrics hands out. *Thread-safe.*
class PrometheusObserver final : public VersionObserver {
 public:
  PrometheusObserver(std::shared_ptr<Families> families, const std::string& model, int64_t version);

  void RecordRequest(const RequestObservation& request) override;
  void RecordExecution(int64_t rows, const ComputeTimes& times) override;
  void RecordCacheHit(std::chrono::nanoseconds duration) override;
  void RecordCacheMiss(std::chrono::nanoseconds duration) override;
  void SetLoadTime(std::chrono::nanoseconds duration) override { load_seconds_.Set(Seconds(duration)); }
  void SetWeightBytes(int64_t bytes) override { weights_.Set(static_cast<double>(bytes)); }
  void SetPrograms(int count) override { programs_.Set(count); }
  void SetCosts(const CostCurve& curve) override EXCLUDES(mutex_);
  VersionStatistics statistics() const override;

  // Takes its series out of the registry; it must not be used afterwards.
  void RemoveSeries();

 private:
  prometheus::Counter& Requests(absl::StatusCode outcome) EXCLUDES(mutex_);
  prometheus::Counter& Misses(const std::string& place) EXCLUDES(mutex_);
  prometheus::Counter& Refusals(const std::string& reason) EXCLUDES(mutex_);
  prometheus::Counter& CacheRequests(const char* result) EXCLUDES(mutex_);
  void CountRequest(const RequestObservation& request) EXCLUDES(mutex_);

  const std::shared_ptr<Families> families_;
  const prometheus::Labels labels_;
  prometheus::Counter& executed_late_;
  prometheus::Histogram& request_seconds_;
  prometheus::Histogram& queue_seconds_;
  prometheus::Histogram& compute_seconds_;
  prometheus::Histogram& batch_rows_;
  prometheus::Gauge& load_seconds_;
  prometheus::Gauge& programs_;
  prometheus::Gauge& weights_;

  mutable Mutex mutex_;
  std::map<absl::StatusCode, prometheus::Counter*> requests_ GUARDED_BY(mutex_);
  std::map<std::string, prometheus::Counter*> misses_ GUARDED_BY(mutex_);
  std::map<std::string, prometheus::Counter*> refusals_ GUARDED_BY(mutex_);
  std::map<std::string, prometheus::Counter*> cache_requests_ GUARDED_BY(mutex_);   // none where no cache is asked
  std::map<std::pair<int64_t, int>, prometheus::Gauge*> costs_ GUARDED_BY(mutex_);  // by rows and threads
  VersionStatistics statistics_ GUARDED_BY(mutex_);
};

}  // namespace beak
