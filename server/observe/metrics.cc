#include "server/observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"

namespace beak {
namespace {

using Labels = prometheus::Labels;
using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;

const prometheus::Histogram::BucketBoundaries kSeconds = {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3,
                                                          50e-3, 0.1,    0.2,    0.5,    1,    2,    5,    10};
const prometheus::Histogram::BucketBoundaries kRows = {1, 2, 4, 8, 16, 32, 64, 128};

Counters& CounterFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Gauges& GaugeFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
Histograms& HistogramFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

// "ok", "deadline_exceeded" ...
std::string OutcomeLabel(absl::StatusCode code) {
  std::string label = absl::StatusCodeToString(code);
  std::transform(label.begin(), label.end(), label.begin(), [](unsigned char c) { return std::tolower(c); });
  return label;
}

// Where a request missed its deadline, or null where it did not.
const char* MissPlace(const RequestObservation& request) {
  if (request.outcome == absl::StatusCode::kDeadlineExceeded) {
    if (request.run_began) return "run";
    return request.left_queue ? "queue" : "arrival";
  }
  return request.outcome == absl::StatusCode::kOk && request.answered > request.deadline ? "answer" : nullptr;
}

// Every family, once.
struct Families {
  explicit Families(prometheus::Registry& r)
      : build_info(GaugeFamily(r, "beak_build_info", "Always 1; the label is the version of this program.")),
        lanes(GaugeFamily(r, "beak_lanes", "Threads that run networks.")),
        lanes_busy(GaugeFamily(r, "beak_lanes_busy", "Threads that are running a network now.")),
        queue_rows(GaugeFamily(r, "beak_queue_rows", "Rows of the requests that wait for a lane.")),
        executed_late(CounterFamily(r, "beak_executed_late_total",
                                    "Requests whose run began after their deadline. Must stay 0.")),
        requests(CounterFamily(r, "beak_requests_total",
                               "Predict requests answered, by outcome; no model label where none was found.")),
        deadline_misses(CounterFamily(r, "beak_deadline_misses_total",
                                      "Requests that missed their deadline, by where they were: arrival, queue, run, "
                                      "answer (answered, but late).")),
        request_seconds(HistogramFamily(r, "beak_request_duration_seconds",
                                        "From a request's arrival to its answer; requests answered with success.")),
        queue_seconds(HistogramFamily(r, "beak_queue_duration_seconds",
                                      "From a request's arrival to its leaving the queue, for whatever reason.")),
        compute_seconds(HistogramFamily(r, "beak_compute_duration_seconds",
                                        "Executions, from copying rows in to having copied them out.")),
        batch_rows(HistogramFamily(r, "beak_batch_rows", "Rows in an execution.")),
        load_seconds(GaugeFamily(r, "beak_model_load_duration_seconds", "How long loading this version took.")),
        programs(GaugeFamily(r, "beak_model_programs", "Compiled programs held, one for each shape of the inputs.")),
        memory(GaugeFamily(r, "beak_memory_bytes", "Memory held, by kind.")),
        state(GaugeFamily(r, "beak_model_version_state", "1 for the state that a version of a model is in.")) {}

  Gauges& build_info;
  Gauges& lanes;
  Gauges& lanes_busy;
  Gauges& queue_rows;
  Counters& executed_late;
  Counters& requests;
  Counters& deadline_misses;
  Histograms& request_seconds;
  Histograms& queue_seconds;
  Histograms& compute_seconds;
  Histograms& batch_rows;
  Gauges& load_seconds;
  Gauges& programs;
  Gauges& memory;
  Gauges& state;
};

Labels With(Labels labels, const char* name, const std::string& value) {
  labels[name] = value;
  return labels;
}

Labels VersionLabels(const std::string& model, int64_t version) {
  return {{"model", model}, {"version", std::to_string(version)}};
}

}  // namespace

class Metrics::Impl final : public prometheus::Collectable, public std::enable_shared_from_this<Metrics::Impl> {
 public:
  explicit Impl(const std::string& build_version)
      : families_(registry_),
        lanes_(families_.lanes.Add({})),
        lanes_busy_(families_.lanes_busy.Add({})),
        queue_rows_(families_.queue_rows.Add({})),
        executed_late_(families_.executed_late.Add({})) {
    families_.build_info.Add({{"version", build_version}}).Set(1);
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::function<void()> refresh;
    {
      MutexLock lock(mutex_);
      refresh = refresh_;
    }
    if (refresh) refresh();
    return registry_.Collect();
  }

  std::shared_ptr<VersionObserver> ObserveVersion(const std::string& model, int64_t version);
  void SetVersionState(const std::string& model, int64_t version, const std::string& state);
  void OnScrape(std::function<void()> refresh) {
    MutexLock lock(mutex_);
    refresh_ = std::move(refresh);
  }

  Families& families() { return families_; }
  prometheus::Gauge& lanes() { return lanes_; }
  prometheus::Gauge& lanes_busy() { return lanes_busy_; }
  prometheus::Gauge& queue_rows() { return queue_rows_; }
  prometheus::Counter& executed_late() { return executed_late_; }

 private:
  class Observer;
  using VersionKey = std::pair<std::string, int64_t>;
  struct Registered {
    std::weak_ptr<Observer> alive;
    const Observer* owner;  // of the series; it removes them, unless a successor has taken them over
  };

  prometheus::Registry registry_;
  Families families_;
  prometheus::Gauge& lanes_;
  prometheus::Gauge& lanes_busy_;
  prometheus::Gauge& queue_rows_;
  prometheus::Counter& executed_late_;

  mutable Mutex mutex_;
  std::map<VersionKey, Registered> observers_ GUARDED_BY(mutex_);
  std::map<VersionKey, prometheus::Gauge*> states_ GUARDED_BY(mutex_);
  std::function<void()> refresh_ GUARDED_BY(mutex_);
};

class Metrics::Impl::Observer final : public VersionObserver {
 public:
  Observer(std::shared_ptr<Impl> metrics, const VersionKey& key)
      : metrics_(std::move(metrics)),
        key_(key),
        labels_(VersionLabels(key.first, key.second)),
        request_seconds_(metrics_->families_.request_seconds.Add(labels_, kSeconds)),
        queue_seconds_(metrics_->families_.queue_seconds.Add(labels_, kSeconds)),
        compute_seconds_(metrics_->families_.compute_seconds.Add(labels_, kSeconds)),
        batch_rows_(metrics_->families_.batch_rows.Add(labels_, kRows)),
        load_seconds_(metrics_->families_.load_seconds.Add(labels_)),
        programs_(metrics_->families_.programs.Add(labels_)),
        weights_(metrics_->families_.memory.Add(With(labels_, "kind", "weights"))) {
    Requests(absl::StatusCode::kOk);  // so that a rate can be taken from the first request on
  }
  ~Observer() override;

  void RecordRequest(const RequestObservation& request) override;
  void RecordExecution(int64_t rows, const ComputeTimes& times) override;
  void SetLoadTime(std::chrono::nanoseconds duration) override { load_seconds_.Set(Seconds(duration)); }
  void SetWeightBytes(int64_t bytes) override { weights_.Set(static_cast<double>(bytes)); }
  void SetPrograms(int count) override { programs_.Set(count); }
  VersionStatistics statistics() const override {
    MutexLock lock(mutex_);
    return statistics_;
  }

 private:
  prometheus::Counter& Requests(absl::StatusCode outcome) EXCLUDES(mutex_);
  prometheus::Counter& Misses(const std::string& place) EXCLUDES(mutex_);
  void CountRequest(const RequestObservation& request) EXCLUDES(mutex_);
  void RemoveSeries();

  const std::shared_ptr<Impl> metrics_;
  const VersionKey key_;
  const Labels labels_;
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
  VersionStatistics statistics_ GUARDED_BY(mutex_);
};

Metrics::Impl::Observer::~Observer() {
  MutexLock lock(metrics_->mutex_);
  const auto registered = metrics_->observers_.find(key_);
  if (registered->second.owner != this) return;
  RemoveSeries();
  metrics_->observers_.erase(registered);
}

void Metrics::Impl::Observer::RemoveSeries() {
  Families& families = metrics_->families_;
  families.request_seconds.Remove(&request_seconds_);
  families.queue_seconds.Remove(&queue_seconds_);
  families.compute_seconds.Remove(&compute_seconds_);
  families.batch_rows.Remove(&batch_rows_);
  families.load_seconds.Remove(&load_seconds_);
  families.programs.Remove(&programs_);
  families.memory.Remove(&weights_);
  MutexLock lock(mutex_);
  for (const auto& [outcome, counter] : requests_) families.requests.Remove(counter);
  for (const auto& [place, counter] : misses_) families.deadline_misses.Remove(counter);
}

prometheus::Counter& Metrics::Impl::Observer::Requests(absl::StatusCode outcome) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = requests_[outcome];
  if (!counter) counter = &metrics_->families_.requests.Add(With(labels_, "outcome", OutcomeLabel(outcome)));
  return *counter;
}

prometheus::Counter& Metrics::Impl::Observer::Misses(const std::string& place) {
  MutexLock lock(mutex_);
  prometheus::Counter*& counter = misses_[place];
  if (!counter) counter = &metrics_->families_.deadline_misses.Add(With(labels_, "place", place));
  return *counter;
}

void Metrics::Impl::Observer::RecordRequest(const RequestObservation& request) {
  Requests(request.outcome).Increment();
  if (const char* place = MissPlace(request)) Misses(place).Increment();
  if (request.left_queue) queue_seconds_.Observe(Seconds(*request.left_queue - request.received));
  if (request.run_began && *request.run_began >= request.deadline) metrics_->executed_late_.Increment();
  if (request.outcome == absl::StatusCode::kOk) request_seconds_.Observe(Seconds(request.answered - request.received));
  CountRequest(request);
}

void Metrics::Impl::Observer::CountRequest(const RequestObservation& request) {
  using std::chrono::system_clock;
  const auto now = system_clock::now().time_since_epoch();
  const std::chrono::nanoseconds total = request.answered - request.received;
  MutexLock lock(mutex_);
  if (request.run_began) {
    statistics_.last_inference_ms =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }
  if (request.outcome != absl::StatusCode::kOk) {
    statistics_.fail.Add(total);
    return;
  }
  statistics_.success.Add(total);
  statistics_.inference_count += static_cast<uint64_t>(request.rows);
  if (request.left_queue) statistics_.queue.Add(*request.left_queue - request.received);
  statistics_.compute_input.Add(request.compute.input);
  statistics_.compute_infer.Add(request.compute.infer);
  statistics_.compute_output.Add(request.compute.output);
}

void Metrics::Impl::Observer::RecordExecution(int64_t rows, const ComputeTimes& times) {
  compute_seconds_.Observe(Seconds(times.input + times.infer + times.output));
  batch_rows_.Observe(static_cast<double>(rows));
  MutexLock lock(mutex_);
  ++statistics_.execution_count;
  BatchStatistics& batch = statistics_.batches[rows];
  batch.compute_input.Add(times.input);
  batch.compute_infer.Add(times.infer);
  batch.compute_output.Add(times.output);
}

std::shared_ptr<VersionObserver> Metrics::Impl::ObserveVersion(const std::string& model, int64_t version) {
  const VersionKey key(model, version);
  MutexLock lock(mutex_);
  Registered& registered = observers_[key];
  if (std::shared_ptr<Observer> observer = registered.alive.lock()) return observer;
  auto observer = std::make_shared<Observer>(shared_from_this(), key);
  registered = {observer, observer.get()};
  return observer;
}

void Metrics::Impl::SetVersionState(const std::string& model, int64_t version, const std::string& state) {
  MutexLock lock(mutex_);
  prometheus::Gauge*& gauge = states_[{model, version}];
  if (gauge) families_.state.Remove(gauge);
  gauge = nullptr;
  if (state.empty()) {
    states_.erase({model, version});
    return;
  }
  gauge = &families_.state.Add(With(VersionLabels(model, version), "state", state));
  gauge->Set(1);
}

Metrics::Metrics(const std::string& build_version) : impl_(std::make_shared<Impl>(build_version)) {}
Metrics::~Metrics() = default;

void Metrics::SetLanes(int lanes) { impl_->lanes().Set(lanes); }
void Metrics::SetLanesBusy(int lanes) { impl_->lanes_busy().Set(lanes); }
void Metrics::SetQueueRows(int64_t rows) { impl_->queue_rows().Set(static_cast<double>(rows)); }

void Metrics::RecordUnrouted(absl::StatusCode outcome) {
  impl_->families().requests.Add({{"model", ""}, {"version", ""}, {"outcome", OutcomeLabel(outcome)}}).Increment();
}

std::shared_ptr<VersionObserver> Metrics::ObserveVersion(const std::string& model, int64_t version) {
  return impl_->ObserveVersion(model, version);
}
void Metrics::SetVersionState(const std::string& model, int64_t version, const std::string& state) {
  impl_->SetVersionState(model, version, state);
}
void Metrics::OnScrape(std::function<void()> refresh) { impl_->OnScrape(std::move(refresh)); }

std::shared_ptr<prometheus::Collectable> Metrics::collectable() const { return impl_; }
std::string Metrics::Text() const { return prometheus::TextSerializer().Serialize(impl_->Collect()); }

}  // namespace beak
