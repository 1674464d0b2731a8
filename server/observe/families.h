#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

namespace beak {

// Every metric of the server by name, once. *Thread-safe.*
struct Families {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;
  using Histograms = prometheus::Family<prometheus::Histogram>;

  Families();

  prometheus::Registry registry;

  Gauges& build_info;
  Gauges& lanes;
  Gauges& lanes_busy;
  Gauges& queue_rows;
  Gauges& queue_bytes;
  Gauges& headroom;
  Counters& offered_seconds;
  Gauges& cost_seconds;
  Counters& executed_late;
  Counters& requests;
  Counters& deadline_misses;
  Counters& refusals;
  Histograms& request_seconds;
  Histograms& queue_seconds;
  Histograms& compute_seconds;
  Histograms& batch_rows;
  Gauges& load_seconds;
  Gauges& programs;
  Gauges& memory;
  Gauges& memory_limit;
  Gauges& state;
  Counters& cache_requests;
  Counters& cache_evictions;
  Gauges& cache_entries;
  Gauges& cache_bytes;
  Gauges& train_jobs;
  Gauges& train_loss;
  Gauges& train_accuracy;
  Gauges& train_learning_rate;
  Gauges& train_samples_per_second;
  Gauges& train_step_seconds;
  Counters& train_paused_seconds;
  Counters& process_cpu_seconds;
  Counters& cpu_periods;
  Counters& cpu_throttled_periods;
  Counters& cpu_throttled_seconds;
};

// Makes a counter show what somebody else has counted; never lowers it. Calls for one counter must not overlap.
void RaiseTo(prometheus::Counter& counter, double value);

// {model, version}, which most series have.
prometheus::Labels VersionLabels(const std::string& model, int64_t version);
// The same labels and one more.
prometheus::Labels With(prometheus::Labels labels, const char* name, const std::string& value);

}  // namespace beak
