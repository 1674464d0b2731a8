#include "engine/job/event_terminal.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace beak {
namespace {

constexpr auto kBetweenPlainLines = std::chrono::seconds(10);
constexpr int kBarWidth = 24;

// "1:05:09", "5:09"; "" where nobody knows.
std::string Duration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "";
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  if (whole >= 3600) return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
}

std::string Bar(double part) {
  const int full = static_cast<int>(std::clamp(part, 0.0, 1.0) * kBarWidth);
  return absl::StrCat("[", std::string(static_cast<size_t>(full), '='),
                      std::string(static_cast<size_t>(kBarWidth - full), ' '), "]");
}

double Part(int64_t done, int64_t total) {
  return total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
}

// Of a column of the table; a dash where it is not known.
std::string Percent(bool known, double part) { return known ? absl::StrFormat("%7.2f%%", 100 * part) : "       -"; }

std::string ScoreColumns(bool known, const v1::Scores& scores) {
  const std::string loss = known ? absl::StrFormat("%10.4f", scores.loss()) : "         -";
  return absl::StrCat(loss, "  ", Percent(known && scores.has_accuracy(), scores.accuracy()));
}

}  // namespace

void EventTerminal::Show(const std::string& line) {
  if (options_.rewrite) {
    absl::FPrintF(options_.progress, "\r\033[K%s", line);
    shown_ = true;
  } else {
    const MonotonicTime now = clock_.Now();
    if (last_ != MonotonicTime::min() && now - last_ < kBetweenPlainLines) return;
    last_ = now;
    absl::FPrintF(options_.progress, "%s\n", line);
  }
  std::fflush(options_.progress);
}

void EventTerminal::Clear() {
  if (!shown_) return;
  absl::FPrintF(options_.progress, "\r\033[K");
  std::fflush(options_.progress);
  shown_ = false;
}

void EventTerminal::Print(FILE* to, const std::string& line) {
  Clear();
  absl::FPrintF(to, "%s\n", line);
  std::fflush(to);
}

void EventTerminal::Reading(int64_t done, int64_t total) {
  Show(absl::StrFormat("reading data %s %3.0f %%", Bar(Part(done, total)), 100 * Part(done, total)));
}

void EventTerminal::Plan(const v1::TrainPlan& plan) {
  Print(options_.progress,
        absl::StrFormat("%d samples to train on, %d to measure with; %d steps; memory: up to %.0f MB",
                        plan.training_samples(), plan.held_out_samples(), plan.steps(),
                        static_cast<double>(plan.peak_bytes()) / 1e6));
}

void EventTerminal::Progress(const v1::TrainProgress& progress) {
  const std::string epoch =
      absl::StrFormat("epoch %d/%d", std::min(progress.epoch() + 1, progress.epochs()), progress.epochs());
  if (progress.phase() == v1::TrainProgress::EXPORTING) return Show("writing the result");
  if (progress.phase() == v1::TrainProgress::EVALUATING) return Show(absl::StrCat(epoch, "  measuring"));
  const double part = Part(progress.step(), progress.steps());
  std::string line = absl::StrFormat("%s %s %3.0f %%  loss %.4f  %.0f samples/s", epoch, Bar(part), 100 * part,
                                     progress.loss(), progress.samples_per_second());
  const std::string left = Duration(progress.seconds_left());
  if (!left.empty()) absl::StrAppend(&line, "  ", left, " left");
  Show(line);
}

void EventTerminal::Epoch(const v1::EpochReport& epoch) {
  if (!header_) {
    Print(options_.table, "epoch      loss  accuracy    held out  accuracy       rate  seconds  samples/s");
    header_ = true;
  }
  Print(options_.table,
        absl::StrFormat("%5d%s%s %s  %9.3g  %7.1f  %9.0f%s", epoch.epoch() + 1, ScoreColumns(true, epoch.training()),
                        " ", ScoreColumns(epoch.has_held_out(), epoch.held_out()), epoch.learning_rate(),
                        epoch.seconds(), epoch.samples_per_second(), epoch.best() ? "  best" : ""));
}

void EventTerminal::Notice(const std::string& notice) { Print(options_.progress, absl::StrCat("note: ", notice)); }

void EventTerminal::Result(const v1::TrainResult& result) {
  const v1::Scores& scores = result.held_out();
  std::string line = absl::StrFormat("trained %d parameters in %.1f s; the network is that of epoch %d",
                                     result.parameters(), result.seconds(), result.exported_epoch() + 1);
  if (result.has_held_out()) {
    absl::StrAppend(&line, absl::StrFormat("; on %d held-out samples: loss %.4f", scores.samples(), scores.loss()));
  }
  if (scores.has_accuracy()) absl::StrAppend(&line, absl::StrFormat(", accuracy %.2f%%", 100 * scores.accuracy()));
  Print(options_.table, line);
  if (!result.has_comparison()) return;
  const v1::Comparison& comparison = result.comparison();
  Print(options_.table,
        absl::StrFormat("compared with the other network: accuracy %+.2f%%, above %+.2f%% with confidence %g",
                        100 * comparison.difference(), 100 * comparison.lower_bound(), comparison.confidence()));
}

void EventTerminal::Failure(const absl::Status&) { Clear(); }

}  // namespace beak
