#include "server/observe/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"
#include "server/observe/families.h"
#include "server/observe/process_metrics.h"
#include "server/observe/train_series.h"
#include "server/observe/version_observer.h"

namespace beak {

class Metrics::Impl final : public prometheus::Collectable, public std::enable_shared_from_this<Metrics::Impl> {
 public:
  explicit Impl(const std::string& build_version)
      : families(std::make_shared<Families>()),
        lanes(families->lanes.Add({})),
        lanes_busy(families->lanes_busy.Add({})),
        queue_rows(families->queue_rows.Add({})),
        queue_bytes(families->queue_bytes.Add({})),
        headroom(families->headroom.Add({})),
        offered_seconds(families->offered_seconds.Add({})),
        train(std::make_shared<TrainSeries>(families)),
        process_(*families) {
    families->build_info.Add({{"version", build_version}}).Set(1);
    families->executed_late.Add({});
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::function<void()> refresh;
    {
      MutexLock lock(mutex_);
      refresh = refresh_;
    }
    if (refresh) refresh();
    process_.Show(ProcessSample::Take());
    return families->registry.Collect();
  }

  std::shared_ptr<VersionObserver> ObserveVersion(const std::string& model, int64_t version);
  void SetVersionState(const std::string& model, int64_t version, const std::string& state);
  void SetCache(int64_t entries, int64_t bytes, int64_t evictions) {
    families->cache_entries.Add({}).Set(static_cast<double>(entries));
    families->cache_bytes.Add({}).Set(static_cast<double>(bytes));
    MutexLock lock(mutex_);
    RaiseTo(families->cache_evictions.Add({}), static_cast<double>(evictions));
  }
  void OnScrape(std::function<void()> refresh) {
    MutexLock lock(mutex_);
    refresh_ = std::move(refresh);
  }

  const std::shared_ptr<Families> families;
  prometheus::Gauge& lanes;
  prometheus::Gauge& lanes_busy;
  prometheus::Gauge& queue_rows;
  prometheus::Gauge& queue_bytes;
  prometheus::Gauge& headroom;
  prometheus::Counter& offered_seconds;
  const std::shared_ptr<TrainSeries> train;

 private:
  using VersionKey = std::pair<std::string, int64_t>;
  struct Registered {
    std::weak_ptr<PrometheusObserver> alive;
    const PrometheusObserver* owner = nullptr;  // of the series
  };

  // Ends an observer, and its series unless a successor has taken them over.
  void Release(const VersionKey& key, PrometheusObserver* observer);

  mutable ProcessMetrics process_;  // synchronises itself

  mutable Mutex mutex_;
  std::map<VersionKey, Registered> observers_ GUARDED_BY(mutex_);
  std::map<VersionKey, prometheus::Gauge*> states_ GUARDED_BY(mutex_);
  std::function<void()> refresh_ GUARDED_BY(mutex_);
};

std::shared_ptr<VersionObserver> Metrics::Impl::ObserveVersion(const std::string& model, int64_t version) {
  const VersionKey key(model, version);
  MutexLock lock(mutex_);
  Registered& registered = observers_[key];
  if (std::shared_ptr<PrometheusObserver> observer = registered.alive.lock()) return observer;
  const std::shared_ptr<PrometheusObserver> observer(
      new PrometheusObserver(families, model, version),
      [self = shared_from_this(), key](PrometheusObserver* ended) { self->Release(key, ended); });
  registered = {observer, observer.get()};
  return observer;
}

void Metrics::Impl::Release(const VersionKey& key, PrometheusObserver* observer) {
  const std::unique_ptr<PrometheusObserver> ended(observer);
  MutexLock lock(mutex_);
  const auto registered = observers_.find(key);
  if (registered == observers_.end() || registered->second.owner != observer) return;
  observer->RemoveSeries();
  observers_.erase(registered);
}

void Metrics::Impl::SetVersionState(const std::string& model, int64_t version, const std::string& state) {
  const VersionKey key(model, version);
  MutexLock lock(mutex_);
  if (const auto old = states_.find(key); old != states_.end()) {
    families->state.Remove(old->second);
    states_.erase(old);
  }
  if (state.empty()) return;
  prometheus::Gauge& gauge = families->state.Add(With(VersionLabels(model, version), "state", state));
  gauge.Set(1);
  states_[key] = &gauge;
}

Metrics::Metrics(const std::string& build_version) : impl_(std::make_shared<Impl>(build_version)) {}
Metrics::~Metrics() = default;

void Metrics::SetLanes(int lanes) { impl_->lanes.Set(lanes); }
void Metrics::SetLanesBusy(int lanes) { impl_->lanes_busy.Set(lanes); }
void Metrics::SetQueue(int64_t rows, int64_t bytes) {
  impl_->queue_rows.Set(static_cast<double>(rows));
  impl_->queue_bytes.Set(static_cast<double>(bytes));
}

void Metrics::SetHeadroom(double ratio, double offered_seconds) {
  impl_->headroom.Set(ratio);
  RaiseTo(impl_->offered_seconds, offered_seconds);
}

void Metrics::SetCache(int64_t entries, int64_t bytes, int64_t evictions) {
  impl_->SetCache(entries, bytes, evictions);
}

void Metrics::SetMemoryLimit(int64_t bytes) { impl_->families->memory_limit.Add({}).Set(static_cast<double>(bytes)); }

void Metrics::RecordUnrouted(absl::StatusCode outcome) {
  impl_->families->requests.Add({{"model", ""}, {"version", ""}, {"outcome", OutcomeLabel(outcome)}}).Increment();
}

std::shared_ptr<VersionObserver> Metrics::ObserveVersion(const std::string& model, int64_t version) {
  return impl_->ObserveVersion(model, version);
}
void Metrics::SetVersionState(const std::string& model, int64_t version, const std::string& state) {
  impl_->SetVersionState(model, version, state);
}
void Metrics::SetTrainJobs(const std::map<std::string, int64_t>& by_state) { impl_->train->SetJobs(by_state); }
void Metrics::SetTrainPausedSeconds(double seconds) { impl_->train->SetPausedSeconds(seconds); }
std::shared_ptr<TrainingObserver> Metrics::ObserveTraining(const std::string& model) {
  return impl_->train->Observe(model);
}
void Metrics::OnScrape(std::function<void()> refresh) { impl_->OnScrape(std::move(refresh)); }

std::string Metrics::Text() const { return prometheus::TextSerializer().Serialize(impl_->Collect()); }

}  // namespace beak
