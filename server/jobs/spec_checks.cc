#include "server/jobs/spec_checks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/run_verdict.h"

namespace beak {
namespace {

constexpr size_t kMaxRunning = 2;
constexpr size_t kMaxWaiting = 32;

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

}  // namespace

SpecChecks::SpecChecks(const TrainSettings& settings, std::chrono::nanoseconds limit, const Parts& parts)
    : settings_(settings), limit_(limit), parts_(parts) {}

void SpecChecks::Check(const v1::TrainJobSpec& spec, const std::string& served_file, Done done) {
  if (stopped_) return done(ShuttingDown());
  if (waiting_.size() >= kMaxWaiting) {
    return done(absl::ResourceExhaustedError(
        absl::StrCat("train jobs: expected at most ", kMaxWaiting, " that wait to be checked, got one more")));
  }
  waiting_.push_back({spec, served_file, std::move(done)});
  StartNext();
}

void SpecChecks::StartNext() {
  while (!waiting_.empty() && running_.size() < kMaxRunning) {
    Waiting check = std::move(waiting_.front());
    waiting_.pop_front();
    const int64_t number = ++last_number_;
    absl::StatusOr<std::unique_ptr<TrainRun>> run = TrainRun::Start(Plan(number, check), parts_.pacer, parts_.clock);
    if (run.ok()) {
      running_[number] = {check.done, std::nullopt, *std::move(run)};
    } else {
      check.done(run.status());
    }
  }
}

TrainRun::Options SpecChecks::Plan(int64_t number, const Waiting& check) {
  TrainRun::Options plan;
  const TrainSettings settings = SettingsFor(check.spec, settings_);
  plan.threads = settings.threads;
  plan.time_limit = limit_;
  plan.progress_period = limit_;  // nobody looks at it
  plan.prepare = [this, number, settings, spec = check.spec,
                  served_file = check.served_file]() -> absl::StatusOr<TrainCommand> {
    ASSIGN_OR_RETURN(const std::string folder, parts_.folders.MakeForCheck(number));
    ASSIGN_OR_RETURN(const std::string file, WriteJobFile(folder, spec));
    return CheckCommand(settings, file, served_file);
  };
  plan.log_file = parts_.folders.LogOfCheck(number);
  plan.told = [this, number](v1::TrainEvent event) {
    parts_.mailbox.Post([this, number, event = std::move(event)] { Told(number, event); });
  };
  plan.ended = [this, number](RunEnd end) {
    parts_.mailbox.Post([this, number, end = std::move(end)] { Ended(number, end); });
  };
  return plan;
}

void SpecChecks::Told(int64_t number, const v1::TrainEvent& event) {
  Running& running = running_.at(number);
  running.run->Handled();
  if (event.has_failure()) running.failure = event.failure();
}

void SpecChecks::Ended(int64_t number, const RunEnd& end) {
  const auto ended = running_.find(number);
  const Running running = std::move(ended->second);
  running_.erase(ended);
  parts_.worker.Do([&folders = parts_.folders, number] {
    const absl::Status status = folders.RemoveCheck(number);
    if (!status.ok()) LogWarning("folder of a check cannot be removed", {{"reason", status.ToString()}});
  });
  running.done(stopped_ ? ShuttingDown() : JudgeCheck(end, running.failure));
  if (!stopped_) StartNext();
}

void SpecChecks::Stop() {
  stopped_ = true;
  for (const Waiting& check : std::exchange(waiting_, {})) check.done(ShuttingDown());
  for (const auto& [number, running] : running_) running.run->Kill();
}

}  // namespace beak
