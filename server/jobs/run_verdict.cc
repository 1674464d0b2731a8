#include "server/jobs/run_verdict.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

// Exit statuses of beak-train.
constexpr int kDone = 0;
constexpr int kWrongUsage = 2;
constexpr int kStopped = 3;

// Reasons are shown in lists and sent in the trailers of calls, which hold some KiB.
constexpr size_t kMaxReason = 3000;

// A network with a thousand wrong layers has as many lines.
std::string Shorten(const std::string& reason) {
  if (reason.size() <= kMaxReason) return reason;
  size_t end = kMaxReason;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;  // within a character of UTF-8
  return absl::StrCat(reason.substr(0, end), " ... (", reason.size() - end, " more bytes)");
}

std::string HowItEnded(const RunEnd& end) {
  std::string text;
  if (end.process.signal != 0) {
    const char* name = sigdescr_np(end.process.signal);
    text =
        absl::StrCat("beak-train was ended by signal ", end.process.signal, name ? absl::StrCat(" (", name, ")") : "");
  } else if (end.process.status == kDone) {
    text = "beak-train ended without a result";
  } else {
    text = absl::StrCat("beak-train ended with status ", end.process.status, " and told no reason");
  }
  if (!end.last_line.empty()) absl::StrAppend(&text, "; it last wrote: ", end.last_line);
  return text;
}

RunVerdict JudgeStart(const absl::Status& status) {
  const std::string reason(status.message());
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return {Verdict::kStopped, ""};
    case absl::StatusCode::kUnavailable:
      return {Verdict::kNotYet, reason};
    case absl::StatusCode::kResourceExhausted:
      return {Verdict::kDied, reason};
    default:
      return {Verdict::kFailed, reason};
  }
}

absl::StatusCode CodeOf(const v1::TrainFailure& failure) {
  const bool known = failure.code() > 0 && failure.code() <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  return known ? static_cast<absl::StatusCode>(failure.code()) : absl::StatusCode::kInternal;
}

}  // namespace

RunVerdict Judge(const RunEnd& end, const std::optional<v1::TrainFailure>& failure, bool has_result, bool asked) {
  if (!end.started.ok()) return JudgeStart(end.started);
  if (!end.events.ok()) return {Verdict::kFailed, absl::StrCat("beak-train: ", end.events.message())};
  if (end.process.status == kDone && has_result) return {Verdict::kDone, ""};
  // A process that had to be killed did as it was asked, too.
  if (asked && (end.process.status == kStopped || end.process.signal != 0)) return {Verdict::kStopped, ""};
  if (failure) return {Verdict::kFailed, Shorten(failure->message())};
  if (end.process.status == kWrongUsage) return {Verdict::kFailed, HowItEnded(end)};
  return {Verdict::kDied, HowItEnded(end)};
}

absl::Status JudgeCheck(const RunEnd& end, const std::optional<v1::TrainFailure>& failure) {
  if (!end.started.ok()) return end.started;
  if (end.timed_out) return absl::OkStatus();  // the run itself will tell
  if (failure) return absl::Status(CodeOf(*failure), Shorten(failure->message()));
  if (!end.events.ok()) return absl::InternalError(absl::StrCat("beak-train: ", end.events.message()));
  if (end.process.status == kDone) return absl::OkStatus();
  return absl::InternalError(HowItEnded(end));
}

}  // namespace beak
