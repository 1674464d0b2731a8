#include "server/observe/families.h"

#include <utility>

namespace beak {
namespace {

Families::Counters& Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Families::Gauges& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
Families::Histograms& Histogram(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

Families::Families()
    : build_info(Gauge(registry, "beak_build_info", "Always 1; the label is the version of this program.")),
      lanes(Gauge(registry, "beak_lanes", "Threads that run networks.")),
      lanes_busy(Gauge(registry, "beak_lanes_busy", "Threads that are running a network now.")),
      queue_rows(Gauge(registry, "beak_queue_rows", "Rows of the requests that wait for a lane.")),
      queue_bytes(Gauge(registry, "beak_queue_bytes", "Bytes of the inputs that wait for a lane.")),
      headroom(Gauge(registry, "beak_headroom_ratio",
                     "How many times the load of the last seconds could be sustained; below 1 is overload.")),
      offered_seconds(Counter(registry, "beak_offered_compute_seconds_total",
                              "Seconds of one lane that all requests would take in batches, the refused included.")),
      cost_seconds(Gauge(registry, "beak_batch_cost_seconds",
                         "What a run is expected to take, by the rows and threads of its program.")),
      executed_late(
          Counter(registry, "beak_executed_late_total", "Requests whose run began after their deadline. Must stay 0.")),
      requests(Counter(registry, "beak_requests_total",
                       "Predict requests answered, by outcome; no model label where none was found.")),
      deadline_misses(Counter(registry, "beak_deadline_misses_total",
                              "Requests that missed their deadline, by where they were: arrival, queue, run, answer "
                              "(answered, but late).")),
      refusals(Counter(registry, "beak_refusals_total", "Predict requests that were not run, by the reason.")),
      request_seconds(Histogram(registry, "beak_request_duration_seconds",
                                "From a request's arrival to its answer; requests answered with success.")),
      queue_seconds(Histogram(registry, "beak_queue_duration_seconds",
                              "From a request's arrival to its leaving the queue, for whatever reason.")),
      compute_seconds(Histogram(registry, "beak_compute_duration_seconds",
                                "Executions, from copying rows in to having copied them out.")),
      batch_rows(Histogram(registry, "beak_batch_rows", "Rows in an execution.")),
      load_seconds(Gauge(registry, "beak_model_load_duration_seconds", "How long loading this version took.")),
      programs(Gauge(registry, "beak_model_programs", "Compiled programs held, one for each shape of the inputs.")),
      memory(Gauge(registry, "beak_memory_bytes", "Memory held, by kind.")),
      memory_limit(Gauge(registry, "beak_memory_limit_bytes", "Memory beyond which no model is loaded any more.")),
      state(Gauge(registry, "beak_model_version_state", "1 for the state that a version of a model is in.")),
      cache_requests(Counter(registry, "beak_cache_requests_total",
                             "Requests that were looked up in the response cache, by result: hit, miss.")),
      cache_evictions(Counter(registry, "beak_cache_evictions_total",
                              "Responses that the response cache gave up to make room for others.")),
      cache_entries(Gauge(registry, "beak_cache_entries", "Responses in the response cache.")),
      cache_bytes(Gauge(registry, "beak_cache_bytes", "Memory held by the response cache, its keys included.")),
      train_jobs(Gauge(registry, "beak_train_jobs", "Train jobs, by state.")),
      train_loss(Gauge(registry, "beak_train_loss", "Training: mean loss of the epoch so far.")),
      train_accuracy(
          Gauge(registry, "beak_train_accuracy", "Training: accuracy on the held-out data after the last epoch.")),
      train_learning_rate(Gauge(registry, "beak_train_learning_rate", "Training: learning rate of the last step.")),
      train_samples_per_second(
          Gauge(registry, "beak_train_samples_per_second", "Training: samples that it gets through.")),
      train_step_seconds(Gauge(registry, "beak_train_step_seconds", "Training: median of the last steps.")),
      train_paused_seconds(Counter(registry, "beak_train_paused_seconds_total",
                                   "How long train processes were kept from computing because lanes were busy.")),
      process_cpu_seconds(
          Counter(registry, "beak_process_cpu_seconds_total", "CPU time that this process has used, in all threads.")),
      cpu_periods(Counter(registry, "beak_cpu_periods_total",
                          "Periods of the cgroup's CPU quota in which it wanted to compute; 0 without a quota.")),
      cpu_throttled_periods(Counter(registry, "beak_cpu_throttled_periods_total",
                                    "Of those periods, the ones in which it used its CPU quota up and was held up.")),
      cpu_throttled_seconds(Counter(registry, "beak_cpu_throttled_seconds_total",
                                    "How long the CPU quota has held the cgroup's cores up, added up.")) {}

void RaiseTo(prometheus::Counter& counter, double value) {
  if (const double rise = value - counter.Value(); rise > 0) counter.Increment(rise);
}

prometheus::Labels VersionLabels(const std::string& model, int64_t version) {
  return {{"model", model}, {"version", std::to_string(version)}};
}

prometheus::Labels With(prometheus::Labels labels, const char* name, const std::string& value) {
  labels[name] = value;
  return labels;
}

}  // namespace beak
