#include "client/cli/job_report.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/cli/table.h"
#include "client/cli/train_report.h"

namespace beak::cli {
namespace {

// Confusing rather than telling beyond.
constexpr int kMostClasses = 100;
constexpr size_t kLongestReason = 60;

std::string Time(int64_t ms_since_1970) {
  if (ms_since_1970 == 0) return "-";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(ms_since_1970), absl::UTCTimeZone());
}

double Seconds(int64_t from_ms, int64_t to_ms) { return static_cast<double>(to_ms - from_ms) / 1e3; }

std::string Shortened(const std::string& text) {
  if (text.size() <= kLongestReason) return text;
  size_t end = kLongestReason - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "...";
}

// What a list says of a job.
std::string ListProgress(const v1::TrainJob& job) {
  return job.state() == v1::TrainJob::RUNNING ? ShortProgress(job.progress()) : "-";
}
std::string ListResult(const v1::TrainJob& job) {
  if (job.published_version() > 0) return absl::StrCat("version ", job.published_version());
  return Shortened(Printable(job.reason()));
}

void AddFact(std::string* text, const char* name, const std::string& value) {
  if (!value.empty()) absl::StrAppendFormat(text, "%-10s %s\n", name, value);
}

std::string ClassTable(const v1::TrainResult& result) {
  if (result.class_score_size() == 0 || result.class_score_size() > kMostClasses) return "";
  std::vector<Row> rows = {{"CLASS", "SAMPLES", "PRECISION", "RECALL", "F1"}};
  for (const v1::ClassScore& score : result.class_score()) {
    rows.push_back({Printable(score.name()), absl::StrCat(score.support()), absl::StrFormat("%.4f", score.precision()),
                    absl::StrFormat("%.4f", score.recall()), absl::StrFormat("%.4f", score.f1())});
  }
  return absl::StrCat("\n", Table(rows));
}

std::string ComparisonText(const v1::TrainResult& result) {
  if (!result.has_comparison()) return "";
  const v1::Comparison& comparison = result.comparison();
  return absl::StrFormat(
      "accuracy %+.2f%%, above %+.2f%% with confidence %g; new right, old wrong: %d, the reverse: %d",
      100 * comparison.difference(), 100 * comparison.lower_bound(), comparison.confidence(),
      comparison.only_new_right(), comparison.only_old_right());
}

std::string EpochTable(const v1::TrainJob& job) {
  if (job.epoch().empty()) return "";
  std::string text = absl::StrCat("\n", EpochHeader(), "\n");
  for (const v1::EpochReport& epoch : job.epoch()) absl::StrAppend(&text, EpochRow(epoch), "\n");
  return text;
}

std::string Json(const google::protobuf::Message& message, bool one_line) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.add_whitespace = !one_line;
  std::string json;
  // Fails only for messages with Any fields, which these have not.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  json.erase(json.find_last_not_of('\n') + 1);
  return json;
}

}  // namespace

std::string JobTable(const std::vector<v1::TrainJob>& jobs) {
  std::vector<Row> rows = {{"JOB", "MODEL", "STATE", "CREATED", "PROGRESS", "RESULT"}};
  for (const v1::TrainJob& job : jobs) {
    rows.push_back({Printable(job.id()), Printable(job.spec().model()), StateText(job), Time(job.created_ms()),
                    ListProgress(job), ListResult(job)});
  }
  return Table(rows);
}

std::string JobText(const v1::TrainJob& job, const ChartStyle& style) {
  std::string text;
  AddFact(&text, "job", Printable(job.id()));
  AddFact(&text, "model", Printable(job.spec().model()));
  AddFact(&text, "state", StateText(job));
  AddFact(&text, "result", job.state() == v1::TrainJob::SUCCEEDED ? EndText(job) : Printable(job.reason()));
  if (job.state() == v1::TrainJob::RUNNING) AddFact(&text, "progress", ProgressLine(job.progress(), LineStyle()));
  AddFact(&text, "created", Time(job.created_ms()));
  AddFact(&text, "started", Time(job.started_ms()));
  AddFact(&text, "ended", Time(job.ended_ms()));
  if (job.started_ms() > 0 && job.ended_ms() > 0) {
    AddFact(&text, "took", Duration(Seconds(job.started_ms(), job.ended_ms())));
  }
  if (job.attempts() > 1) AddFact(&text, "attempts", absl::StrCat(job.attempts()));
  AddFact(&text, "held out", ScoreText(job));
  AddFact(&text, "compared", ComparisonText(job.result()));
  for (const std::string& notice : job.result().notice()) AddFact(&text, "note", Printable(notice));
  absl::StrAppend(&text, EpochTable(job), ClassTable(job.result()));
  const std::string charts = DrawCharts(CurvesOf(job), style);
  return charts.empty() ? text : absl::StrCat(text, "\n", charts);
}

std::string ToJson(const v1::TrainJob& job) { return Json(job, false) + "\n"; }

std::string ToJson(const std::vector<v1::TrainJob>& jobs) {
  if (jobs.empty()) return "[]\n";
  const auto append = [](std::string* text, const v1::TrainJob& job) { absl::StrAppend(text, Json(job, false)); };
  return absl::StrCat("[\n", absl::StrJoin(jobs, ",\n", append), "\n]\n");
}

std::string ToJsonLine(const v1::TrainJobUpdate& update) { return Json(update, true) + "\n"; }

}  // namespace beak::cli
