#include "client/cli/bench_report.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

using bench::Histogram;
using bench::Tally;
using std::chrono::nanoseconds;

constexpr struct {
  const char* label;  // in text
  const char* key;    // in JSON
  double share;
} kPercentiles[] = {
    {"p50", "p50", 0.5}, {"p90", "p90", 0.9}, {"p95", "p95", 0.95}, {"p99", "p99", 0.99}, {"p99.9", "p99_9", 0.999}};

double Milliseconds(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

double PerSecond(uint64_t count, nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// Answers in time; where there is no deadline, all are.
double Goodput(const BenchReport& report) {
  const bool all = report.load.deadline.count() == 0;
  return PerSecond(all ? report.tally.answered : report.tally.in_time, report.tally.duration);
}

uint64_t ErrorCount(const Tally& tally) {
  uint64_t count = 0;
  for (const auto& [code, error] : tally.errors) count += error.latency.count();
  return count;
}

std::string Load(const BenchReport& report) {
  const bench::LoadOptions& load = report.load;
  std::string text = load.concurrency > 0
                         ? absl::StrFormat("%d at once", load.concurrency)
                         : absl::StrFormat("%g requests/s, %s", load.rate,
                                           load.arrival == bench::Arrival::kPoisson ? "poisson" : "constant");
  absl::StrAppend(&text,
                  load.connections == 1 ? ", 1 connection" : absl::StrCat(", ", load.connections, " connections"));
  absl::StrAppend(&text, report.rows == 1 ? ", 1 row a request" : absl::StrCat(", ", report.rows, " rows a request"));
  if (load.deadline.count() > 0) absl::StrAppendFormat(&text, ", deadline %g ms", Milliseconds(load.deadline));
  return text;
}

std::string Latency(const Histogram& latency) {
  if (latency.count() == 0) return "none";
  std::string text = absl::StrFormat("mean %.3f", Milliseconds(latency.Mean()));
  for (const auto& row : kPercentiles) {
    absl::StrAppendFormat(&text, "  %s %.3f", row.label, Milliseconds(latency.Percentile(row.share)));
  }
  return absl::StrFormat("%s  max %.3f", text, Milliseconds(latency.max()));
}

nlohmann::json LatencyJson(const Histogram& latency) {
  nlohmann::json json = {{"mean", Milliseconds(latency.Mean())}, {"max", Milliseconds(latency.max())}};
  for (const auto& row : kPercentiles) json[row.key] = Milliseconds(latency.Percentile(row.share));
  return json;
}

}  // namespace

std::optional<nanoseconds> ParseDuration(const std::string& text, bool zero_too) {
  const size_t unit = text.find_first_not_of("0123456789.");
  double number = 0;
  if (unit == std::string::npos || !absl::SimpleAtod(text.substr(0, unit), &number)) return std::nullopt;
  const std::string name = text.substr(unit);
  const double scale = name == "ms" ? 1e6 : name == "s" ? 1e9 : name == "m" ? 60e9 : name == "h" ? 3600e9 : 0;
  constexpr double kLongest = 1000 * 3600e9;
  const double total = number * scale;
  if (scale == 0 || total > kLongest || (total < 1 && !(zero_too && number == 0))) return std::nullopt;
  return nanoseconds(std::llround(total));
}

std::string ToText(const BenchReport& report) {
  const Tally& tally = report.tally;
  const double throughput = PerSecond(tally.answered, tally.duration);
  std::string text = absl::StrFormat("%s: %s\n", report.model, Load(report));
  absl::StrAppendFormat(&text, "%d requests in %.1f s%s\n", tally.requests,
                        std::chrono::duration<double>(tally.duration).count(),
                        tally.interrupted ? " (interrupted)" : "");
  absl::StrAppendFormat(&text, "throughput  %.1f requests/s, %.1f rows/s\n", throughput,
                        throughput * static_cast<double>(report.rows));
  absl::StrAppendFormat(&text, "goodput     %.1f requests/s\n", Goodput(report));
  absl::StrAppendFormat(&text, "latency ms  %s\n", Latency(tally.latency));
  if (ErrorCount(tally) == 0) absl::StrAppend(&text, "errors      none\n");
  for (const auto& [code, error] : tally.errors) {
    absl::StrAppendFormat(&text, "errors      %d %s, after %.3f ms (p99 %.3f): %s\n", error.latency.count(),
                          absl::StatusCodeToString(code), Milliseconds(error.latency.Percentile(0.5)),
                          Milliseconds(error.latency.Percentile(0.99)), error.message);
  }
  if (tally.blocked > 0) {
    absl::StrAppendFormat(&text,
                          "%d requests were sent late, because %d were under way (--max-outstanding); their waiting "
                          "counts as latency\n",
                          tally.blocked, report.load.max_outstanding);
  }
  return text;
}

std::string ToJson(const BenchReport& report) {
  const bench::LoadOptions& load = report.load;
  const Tally& tally = report.tally;
  nlohmann::json errors = nlohmann::json::object();
  for (const auto& [code, error] : tally.errors) {
    errors[absl::StatusCodeToString(code)] = {
        {"count", error.latency.count()}, {"message", error.message}, {"latency_ms", LatencyJson(error.latency)}};
  }
  nlohmann::json json = {{"model", report.model},
                         {"connections", load.connections},
                         {"rows", report.rows},
                         {"seconds", std::chrono::duration<double>(tally.duration).count()},
                         {"interrupted", tally.interrupted},
                         {"requests", tally.requests},
                         {"ok", tally.latency.count()},
                         {"in_time", tally.in_time},
                         {"failed", ErrorCount(tally)},
                         {"requests_per_second", PerSecond(tally.answered, tally.duration)},
                         {"goodput_per_second", Goodput(report)},
                         {"sent_late", tally.blocked},
                         {"latency_ms", LatencyJson(tally.latency)},
                         {"errors", std::move(errors)}};
  if (load.deadline.count() > 0) json["deadline_ms"] = Milliseconds(load.deadline);
  if (load.concurrency > 0) {
    json["concurrency"] = load.concurrency;
  } else {
    json["rate"] = load.rate;
    json["arrival"] = load.arrival == bench::Arrival::kPoisson ? "poisson" : "constant";
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string ProgressLine(const Tally& so_far) {
  return absl::StrFormat(
      "%.0f s: %.1f requests/s, p99 %.3f ms, %d errors", std::chrono::duration<double>(so_far.duration).count(),
      PerSecond(so_far.answered, so_far.duration), Milliseconds(so_far.latency.Percentile(0.99)), ErrorCount(so_far));
}

}  // namespace beak::cli
