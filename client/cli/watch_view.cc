#include "client/cli/watch_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/cli/train_report.h"
#include "client/train_client.h"

namespace beak::cli {
namespace {

constexpr auto kBetweenPlainLines = std::chrono::seconds(10);

}  // namespace

void WatchView::Tell(const v1::TrainJobUpdate& update) {
  switch (update.kind_case()) {
    case v1::TrainJobUpdate::kJob:
      return TellJob(update.job());
    case v1::TrainJobUpdate::kProgress:
      return TellProgress(update.progress());
    case v1::TrainJobUpdate::kEpoch:
      return TellEpoch(update.epoch());
    case v1::TrainJobUpdate::kNotice:
      return Print(options_.progress, absl::StrCat("note: ", Printable(update.notice())));
    case v1::TrainJobUpdate::KIND_NOT_SET:
      break;
  }
}

void WatchView::Lost(const absl::Status& status) {
  Print(options_.progress, absl::StrCat("the server is away, waiting for it: ", Printable(status.ToString())));
}

// Also told when the server is back: then only what is new of it.
void WatchView::TellJob(const v1::TrainJob& job) {
  for (const v1::EpochReport& epoch : job.epoch()) TellEpoch(epoch);
  if (client::HasEnded(job)) return;  // whoever watches says how
  const bool changed = job.state() != state_;
  state_ = job.state();
  if (changed && options_.columns) Rewrite(StateText(job));
  if (changed && !options_.columns) Print(options_.progress, StateText(job));
  if (state_ == v1::TrainJob::RUNNING && job.has_progress()) TellProgress(job.progress());
}

void WatchView::TellProgress(const v1::TrainProgress& progress) {
  if (options_.columns) {
    // A line as wide as the terminal would make another.
    return Rewrite(ProgressLine(progress, {std::max(1, options_.columns() - 1), options_.utf8}));
  }
  const MonotonicTime now = clock_.Now();
  const bool due = last_plain_ == MonotonicTime::min() || now - last_plain_ >= kBetweenPlainLines;
  if (!due && progress.paused() == paused_) return;
  last_plain_ = now;
  paused_ = progress.paused();
  Print(options_.progress, ProgressLine(progress, LineStyle()));
}

void WatchView::TellEpoch(const v1::EpochReport& epoch) {
  if (epoch.epoch() < next_epoch_) return;
  if (next_epoch_ == 0) Print(options_.table, EpochHeader());
  next_epoch_ = epoch.epoch() + 1;
  Print(options_.table, EpochRow(epoch));
}

void WatchView::Rewrite(const std::string& line) {
  std::fputs(absl::StrCat("\r\033[K", line).c_str(), options_.progress);
  std::fflush(options_.progress);
  shown_ = true;
}

void WatchView::Clear() {
  if (!shown_) return;
  std::fputs("\r\033[K", options_.progress);
  std::fflush(options_.progress);
  shown_ = false;
}

void WatchView::Print(FILE* to, const std::string& line) {
  Clear();
  std::fputs(absl::StrCat(line, "\n").c_str(), to);
  std::fflush(to);
}

}  // namespace beak::cli
