#include "client/cli/model_report.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/table.h"
#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

std::string MeanMilliseconds(const client::DurationCount& duration) {
  if (duration.count == 0) return "-";
  const double total = std::chrono::duration<double, std::milli>(duration.total).count();
  return absl::StrFormat("%.3f", total / static_cast<double>(duration.count));
}

// Executions by their number of rows, below an empty line; nothing where there were none.
std::string BatchTable(const std::vector<client::ModelStatistics>& statistics) {
  std::vector<Row> rows = {{"MODEL", "VERSION", "ROWS", "EXECUTIONS", "INPUT_MS", "COMPUTE_MS", "OUTPUT_MS"}};
  for (const client::ModelStatistics& model : statistics) {
    for (const client::BatchStatistics& batch : model.batches) {
      rows.push_back({model.name, model.version, absl::StrCat(batch.batch_size),
                      absl::StrCat(batch.compute_infer.count), MeanMilliseconds(batch.compute_input),
                      MeanMilliseconds(batch.compute_infer), MeanMilliseconds(batch.compute_output)});
    }
  }
  return rows.size() == 1 ? "" : absl::StrCat("\n", Table(rows));
}

nlohmann::json DurationJson(const client::DurationCount& duration) {
  return {{"count", duration.count}, {"ns", duration.total.count()}};
}

// Names come from outside and may be no UTF-8.
std::string Dump(const nlohmann::json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string ToText(const std::vector<client::ModelIndex>& models) {
  std::vector<Row> rows = {{"MODEL", "VERSION", "STATE", "REASON"}};
  for (const client::ModelIndex& model : models) {
    rows.push_back({model.name, model.version, model.state, model.reason});
  }
  return Table(rows);
}

std::string ToJson(const std::vector<client::ModelIndex>& models) {
  nlohmann::json json = nlohmann::json::array();
  for (const client::ModelIndex& model : models) {
    json.push_back(
        {{"name", model.name}, {"version", model.version}, {"state", model.state}, {"reason", model.reason}});
  }
  return Dump(json);
}

std::string ToText(const std::vector<client::ModelStatistics>& statistics) {
  std::vector<Row> rows = {{"MODEL", "VERSION", "INFERENCES", "EXECUTIONS", "FAILED", "CACHE_HITS", "CACHE_MISSES",
                            "REQUEST_MS", "QUEUE_MS", "COMPUTE_MS"}};
  for (const client::ModelStatistics& model : statistics) {
    rows.push_back({model.name, model.version, absl::StrCat(model.inference_count), absl::StrCat(model.execution_count),
                    absl::StrCat(model.fail.count), absl::StrCat(model.cache_hit.count),
                    absl::StrCat(model.cache_miss.count), MeanMilliseconds(model.success),
                    MeanMilliseconds(model.queue), MeanMilliseconds(model.compute_infer)});
  }
  return absl::StrCat(Table(rows), BatchTable(statistics));
}

std::string ToJson(const std::vector<client::ModelStatistics>& statistics) {
  nlohmann::json json = nlohmann::json::array();
  for (const client::ModelStatistics& model : statistics) {
    const auto last = model.last_inference.time_since_epoch();
    nlohmann::json batches = nlohmann::json::array();
    for (const client::BatchStatistics& batch : model.batches) {
      batches.push_back({{"batch_size", batch.batch_size},
                         {"compute_input", DurationJson(batch.compute_input)},
                         {"compute_infer", DurationJson(batch.compute_infer)},
                         {"compute_output", DurationJson(batch.compute_output)}});
    }
    json.push_back({{"name", model.name},
                    {"version", model.version},
                    {"last_inference_ms", std::chrono::duration_cast<std::chrono::milliseconds>(last).count()},
                    {"inference_count", model.inference_count},
                    {"execution_count", model.execution_count},
                    {"success", DurationJson(model.success)},
                    {"fail", DurationJson(model.fail)},
                    {"queue", DurationJson(model.queue)},
                    {"compute_input", DurationJson(model.compute_input)},
                    {"compute_infer", DurationJson(model.compute_infer)},
                    {"compute_output", DurationJson(model.compute_output)},
                    {"cache_hit", DurationJson(model.cache_hit)},
                    {"cache_miss", DurationJson(model.cache_miss)},
                    {"batches", std::move(batches)}});
  }
  return Dump(json);
}

std::string ActionText(const std::string& model, const std::string& version, const std::string& done) {
  return absl::StrCat(model, version.empty() ? "" : " version ", version, ": ", done, "\n");
}

std::string ActionJson(const std::string& model, const std::string& version, const std::string& done) {
  nlohmann::json json = {{"name", model}, {"done", done}};
  if (!version.empty()) json["version"] = version;
  return Dump(json);
}

std::string ToText(client::HealthStatus status) {
  switch (status) {
    case client::HealthStatus::kServing:
      return "SERVING";
    case client::HealthStatus::kNotServing:
      return "NOT_SERVING";
    case client::HealthStatus::kUnknown:
      break;
  }
  return "UNKNOWN";
}

std::string HealthJson(const std::string& service, client::HealthStatus status) {
  return Dump({{"service", service}, {"status", ToText(status)}});
}

}  // namespace beak::cli
