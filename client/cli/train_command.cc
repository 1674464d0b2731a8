#include "client/cli/train_command.h"

#include <cstdio>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/interrupt.h"
#include "client/cli/job_file.h"
#include "client/cli/job_report.h"
#include "client/cli/loss_svg.h"
#include "client/cli/terminal.h"
#include "client/cli/train_report.h"
#include "client/cli/watch_view.h"
#include "client/train_client.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json_text.h"
#include "engine/base/status.h"

namespace beak::cli {
namespace {

using client::TrainClient;

absl::StatusOr<std::unique_ptr<TrainClient>> Connect(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const client::ClientOptions options, flags.connection.Options());
  return TrainClient::Connect(flags.connection.server, options);
}

ChartStyle StyleOfStdout() {
  ChartStyle style;
  style.utf8 = LocaleIsUtf8();
  if (IsTerminal(stdout)) style.columns = TerminalColumns(stdout) - 1;
  return style;
}

WatchView::Options ViewOptions() {
  WatchView::Options options;
  options.utf8 = LocaleIsUtf8();
  if (IsTerminal(stderr)) options.columns = [] { return TerminalColumns(stderr); };
  return options;
}

// What is said of a job at the end of a watch.
std::string Summary(const v1::TrainJob& job) {
  std::string text;
  if (IsTerminal(stdout)) {
    const std::string charts = DrawCharts(CurvesOf(job), StyleOfStdout());
    if (!charts.empty()) absl::StrAppend(&text, "\n", charts, "\n");
  }
  const std::string scores = ScoreText(job);
  if (!scores.empty()) absl::StrAppend(&text, scores, "\n");
  return absl::StrCat(text, EndText(job), "\n");
}

absl::StatusOr<Outcome> Watch(TrainClient& client, const std::string& id, const TrainFlags& flags) {
  WatchView view(ViewOptions(), Clock::Real());
  const auto tell = [&](const v1::TrainJobUpdate& update) {
    if (!flags.json) return view.Tell(update);
    std::fputs(ToJsonLine(update).c_str(), stdout);
    std::fflush(stdout);
  };
  client::WatchOptions options;
  options.deadline = std::chrono::milliseconds(flags.connection.deadline_ms);
  options.on_lost = [&](const absl::Status& status) { view.Lost(status); };
  const Interrupt interrupt([&client] { client.StopWatching(); });
  const absl::StatusOr<v1::TrainJob> job = client.WatchJob(id, tell, options);
  view.Clear();
  if (!job.ok() && Interrupt::happened()) {
    std::fprintf(stderr, "beak: job %s goes on; 'beak train watch' shows how, 'beak train cancel' stops it\n",
                 id.c_str());
    return Outcome{"", false};
  }
  if (!job.ok()) return job.status();
  return Outcome{flags.json ? "" : Summary(*job), job->state() == v1::TrainJob::SUCCEEDED};
}

}  // namespace

std::optional<v1::TrainJob::State> ParseState(const std::string& text) {
  v1::TrainJob::State state;
  if (!v1::TrainJob::State_Parse(absl::AsciiStrToUpper(text), &state) || state == v1::TrainJob::UNKNOWN) {
    return std::nullopt;
  }
  return state;
}

absl::StatusOr<Outcome> SubmitJob(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const v1::TrainJobSpec spec, ReadJobFile(flags.file));
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainClient> client, Connect(flags));
  if (flags.validate_only) {
    RETURN_IF_ERROR(client->CheckJob(spec));
    return Outcome{flags.json ? "{\"valid\": true}\n" : absl::StrCat(flags.file, ": nothing is wrong\n")};
  }
  ASSIGN_OR_RETURN(const v1::TrainJob job, client->CreateJob(spec, flags.request_id));
  if (!flags.watch) return Outcome{flags.json ? ToJson(job) : absl::StrCat(job.id(), "\n")};
  std::fprintf(stderr, "job %s\n", job.id().c_str());
  return Watch(*client, job.id(), flags);
}

absl::StatusOr<Outcome> ListJobs(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainClient> client, Connect(flags));
  v1::ListTrainJobsRequest request;
  request.set_model(flags.model);
  for (const v1::TrainJob::State state : flags.states) request.add_state(state);
  ASSIGN_OR_RETURN(const std::vector<v1::TrainJob> jobs, client->ListAllJobs(request));
  return Outcome{flags.json ? ToJson(jobs) : JobTable(jobs)};
}

absl::StatusOr<Outcome> ShowJob(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainClient> client, Connect(flags));
  ASSIGN_OR_RETURN(const v1::TrainJob job, client->GetJob(flags.job));
  if (!flags.svg.empty()) {
    if (job.epoch().empty()) return absl::FailedPreconditionError("--svg: expected a job with epochs, got one without");
    RETURN_IF_ERROR(WriteFileAtomically(flags.svg, DrawSvg(job)));
  }
  return Outcome{flags.json ? ToJson(job) : JobText(job, StyleOfStdout())};
}

absl::StatusOr<Outcome> WatchJob(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainClient> client, Connect(flags));
  return Watch(*client, flags.job, flags);
}

absl::StatusOr<Outcome> CancelJob(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainClient> client, Connect(flags));
  ASSIGN_OR_RETURN(const v1::TrainJob job, client->CancelJob(flags.job));
  return Outcome{flags.json ? ToJson(job) : absl::StrCat(job.id(), ": ", StateText(job), "\n")};
}

absl::StatusOr<Outcome> DeleteJob(const TrainFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TrainClient> client, Connect(flags));
  RETURN_IF_ERROR(client->DeleteJob(flags.job));
  return Outcome{flags.json ? absl::StrCat("{\"id\": ", JsonQuoted(flags.job), ", \"done\": \"deleted\"}\n")
                            : absl::StrCat(flags.job, ": deleted\n")};
}

}  // namespace beak::cli
