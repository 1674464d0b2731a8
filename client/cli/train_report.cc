#include "client/cli/train_report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace beak::cli {
namespace {

constexpr int kLeastBar = 8, kMostBar = 30;

// Of the table of epochs; a dash where it is not known.
std::string LossColumn(bool known, double loss) {
  return absl::StrFormat("%9s", known ? absl::StrFormat("%.4f", loss) : "-");
}
std::string AccuracyColumn(const v1::Scores& scores) {
  return absl::StrFormat("%9s", scores.has_accuracy() ? Percent(scores.accuracy()) : "-");
}

double Part(const v1::TrainProgress& progress) {
  if (progress.steps() <= 0) return 0;
  return std::clamp(static_cast<double>(progress.step()) / static_cast<double>(progress.steps()), 0.0, 1.0);
}

// Full blocks and an eighth of one, or "#".
std::string Bar(double part, int width, bool utf8) {
  std::string bar;
  const int eighths = static_cast<int>(part * width * 8);
  const int full = eighths / 8;
  for (int i = 0; i < full; ++i) bar += utf8 ? "\u2588" : "#";
  int used = full;
  if (utf8 && eighths % 8 > 0) {
    constexpr const char* kEighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    bar += kEighths[eighths % 8];
    ++used;
  }
  return absl::StrCat("[", bar, std::string(static_cast<size_t>(width - used), ' '), "]");
}

std::string PhaseText(v1::TrainProgress::Phase phase) {
  switch (phase) {
    case v1::TrainProgress::READING_DATA:
      return "reading data";
    case v1::TrainProgress::EVALUATING:
      return "measuring";
    case v1::TrainProgress::EXPORTING:
      return "writing the result";
    default:
      return "training";
  }
}

// What a line tells. On a terminal numbers are padded, so that nothing jumps.
struct Pieces {
  std::string head;  // phase and epoch
  std::string step;
  std::string loss;
  std::string rate;
  std::string tail;  // how fast it is, or why it is not
};

Pieces PiecesOf(const v1::TrainProgress& progress, bool padded) {
  Pieces pieces;
  pieces.head = PhaseText(progress.phase());
  if (progress.epochs() > 0) {
    absl::StrAppendFormat(&pieces.head, "  epoch %d/%d", std::min(progress.epoch() + 1, progress.epochs()),
                          progress.epochs());
  }
  const std::string steps = absl::StrCat(progress.steps());
  const int width = padded ? static_cast<int>(steps.size()) : 0;
  if (progress.steps() > 0) pieces.step = absl::StrFormat("  step %*d/%s", width, progress.step(), steps);
  if (progress.phase() == v1::TrainProgress::TRAINING && progress.step() > 0) {
    pieces.loss = absl::StrFormat("  loss %.4f", progress.loss());
    pieces.rate = absl::StrFormat("  rate %-*s", padded ? 8 : 0, absl::StrFormat("%.3g", progress.learning_rate()));
    pieces.tail = absl::StrFormat("  %*.0f samples/s", padded ? 5 : 0, progress.samples_per_second());
    const std::string left = progress.seconds_left() > 0 ? Duration(progress.seconds_left()) : "";
    if (!left.empty()) absl::StrAppendFormat(&pieces.tail, "  %*s left", padded ? 5 : 0, left);
  }
  if (progress.paused()) pieces.tail = "  paused: serving needs the cores";
  return pieces;
}

std::string WithoutBar(const Pieces& pieces) {
  return absl::StrCat(pieces.head, pieces.step, pieces.loss, pieces.rate, pieces.tail);
}

// Where there is no room for all, the bar is worth more than the numbers that it stands for.
std::string WithBar(Pieces pieces, double part, const LineStyle& style) {
  const std::string percent = absl::StrFormat(" %3d%%", static_cast<int>(100 * part));
  const auto room = [&] {
    return style.columns - static_cast<int>(WithoutBar(pieces).size() + percent.size()) - 4;  // spaces and brackets
  };
  for (std::string* dispensable : {&pieces.rate, &pieces.step}) {
    if (room() < kLeastBar) dispensable->clear();
  }
  if (room() < kLeastBar) return WithoutBar(pieces).substr(0, static_cast<size_t>(style.columns));
  pieces.head += "  " + Bar(part, std::min(room(), kMostBar), style.utf8) + percent;
  return WithoutBar(pieces);
}

}  // namespace

std::string Duration(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "";
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  if (whole >= 3600) return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
}

std::string Percent(double part) { return absl::StrFormat("%.2f%%", 100 * part); }

std::string Printable(const std::string& text) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c == '\n') {
      printable += ' ';
    } else if (c < 0x20 || c == 0x7f) {
      printable += '?';
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F, which terminals may obey too
      printable += '?';
      ++i;
    } else {
      printable += text[i];
    }
  }
  return printable;
}

std::string EpochHeader() { return "epoch      loss  accuracy  held out  accuracy       rate  samples/s   seconds"; }

std::string EpochRow(const v1::EpochReport& epoch) {
  return absl::StrFormat("%5d %s %s %s %s %10.3g %10.0f %9.1f%s", epoch.epoch() + 1,
                         LossColumn(epoch.has_training(), epoch.training().loss()), AccuracyColumn(epoch.training()),
                         LossColumn(epoch.has_held_out(), epoch.held_out().loss()), AccuracyColumn(epoch.held_out()),
                         epoch.learning_rate(), epoch.samples_per_second(), epoch.seconds(), epoch.best() ? " *" : "");
}

std::string ProgressLine(const v1::TrainProgress& progress, const LineStyle& style) {
  if (style.columns == 0) return WithoutBar(PiecesOf(progress, false));
  if (progress.steps() > 0) return WithBar(PiecesOf(progress, true), Part(progress), style);
  return WithoutBar(PiecesOf(progress, true)).substr(0, static_cast<size_t>(style.columns));
}

std::string ShortProgress(const v1::TrainProgress& progress) {
  if (progress.steps() <= 0) return PhaseText(progress.phase());
  return absl::StrFormat("epoch %d/%d %d%%%s", std::min(progress.epoch() + 1, progress.epochs()), progress.epochs(),
                         static_cast<int>(100 * Part(progress)), progress.paused() ? " paused" : "");
}

std::string StateText(const v1::TrainJob& job) {
  switch (job.state()) {
    case v1::TrainJob::QUEUED:
      return "queued";
    case v1::TrainJob::RUNNING:
      return "running";
    case v1::TrainJob::PUBLISHING:
      return "publishing";
    case v1::TrainJob::SUCCEEDED:
      return "succeeded";
    case v1::TrainJob::FAILED:
      return "failed";
    case v1::TrainJob::CANCELLED:
      return "cancelled";
    default:
      return "unknown";
  }
}

std::string EndText(const v1::TrainJob& job) {
  if (job.published_version() > 0) {
    return absl::StrFormat("published as version %d of '%s'", job.published_version(), Printable(job.spec().model()));
  }
  const std::string what = job.state() == v1::TrainJob::SUCCEEDED ? "not published" : StateText(job);
  return job.reason().empty() ? what : absl::StrCat(what, ": ", Printable(job.reason()));
}

std::string ScoreText(const v1::TrainJob& job) {
  const v1::Scores& scores = job.result().held_out();
  if (!job.result().has_held_out() || scores.samples() == 0) return "";
  std::string text = absl::StrFormat("loss %.4f", scores.loss());
  if (scores.has_accuracy()) absl::StrAppend(&text, ", accuracy ", Percent(scores.accuracy()));
  if (scores.has_top5_accuracy()) absl::StrAppend(&text, ", among the first five ", Percent(scores.top5_accuracy()));
  return absl::StrFormat("%s on %d held-out samples, with the weights of epoch %d", text, scores.samples(),
                         job.result().exported_epoch() + 1);
}

}  // namespace beak::cli
