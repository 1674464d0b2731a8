#include "server/jobs/train_run.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/thread.h"

namespace beak {
namespace {

constexpr int kMaxUnhandled = 64;
constexpr size_t kReadBytes = size_t{64} << 10;
// A pipe may be held open by somebody else than the process, and a process may live without its pipes: how often that
// is looked at.
constexpr std::chrono::milliseconds kLook(1000);
constexpr std::chrono::milliseconds kLookForEnd(10);

// What poll and a read without waiting give: bytes, nothing now (-1), or the end (0).
ssize_t ReadSome(int fd, std::array<char, kReadBytes>& buffer) {
  while (true) {
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n >= 0) return n;
    if (errno == EAGAIN) return -1;
    if (errno != EINTR) return 0;
  }
}

int ToMilliseconds(std::chrono::nanoseconds duration) {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(duration);
  return static_cast<int>(std::clamp<int64_t>(whole.count(), 0, kLook.count()));
}

}  // namespace

// What the run's thread has of a process.
struct TrainRun::Listening {
  TrainProcess& process;
  JobLog& log;
  MonotonicTime deadline;
  EventReader reader = EventReader();
  std::array<char, kReadBytes> buffer = {};
  bool events_open = true;
  bool output_open = true;
  absl::Status events;
  bool timed_out = false;
  std::optional<v1::TrainEvent> progress;  // held back
  MonotonicTime next_progress = MonotonicTime::min();
};

absl::StatusOr<std::unique_ptr<TrainRun>> TrainRun::Start(Options options, Pacer& pacer, const Clock& clock) {
  std::unique_ptr<TrainRun> run(new TrainRun(std::move(options), pacer, clock));
  try {
    run->thread_ = StartThread("beak-job", [&run = *run] { run.Run(); });
  } catch (const std::system_error& error) {
    return absl::UnavailableError(absl::StrCat("train process: no thread for it: ", error.what()));
  }
  return run;
}

TrainRun::~TrainRun() {
  Kill();
  if (thread_.joinable()) thread_.join();
}

void TrainRun::Run() { options_.ended(RunPrepared(options_.prepare())); }

RunEnd TrainRun::RunPrepared(absl::StatusOr<TrainCommand> command) {
  RunEnd end;
  if (!command.ok()) {
    end.started = std::move(command).status();
    return end;
  }
  JobLog log(options_.log_file);  // in a folder that has just been prepared
  RunProcess(*command, log, &end);
  end.last_line = log.last_line();
  return end;
}

void TrainRun::RunProcess(const TrainCommand& command, JobLog& log, RunEnd* end) {
  const absl::StatusOr<std::unique_ptr<TrainProcess>> process = StartProcess(command);
  end->started = process.status();
  if (!process.ok()) return;
  const MonotonicTime deadline = options_.time_limit.count() > 0 ? clock_.Now() + options_.time_limit : kNever;
  const auto listening = std::make_unique<Listening>(Listening{**process, log, deadline});
  Listen(*listening);
  {
    MutexLock lock(mutex_);
    process_ = nullptr;
  }
  pacer_.Remove((*process)->group());
  end->process = (*process)->Reap();
  end->events = listening->events;
  end->timed_out = listening->timed_out;
}

absl::StatusOr<std::unique_ptr<TrainProcess>> TrainRun::StartProcess(const TrainCommand& command) {
  {
    MutexLock lock(mutex_);
    if (asked_ || killed_) return absl::CancelledError("the run was ended before its process was started");
  }
  absl::StatusOr<std::unique_ptr<TrainProcess>> process = TrainProcess::Start(command);
  // Too many processes, no memory, a program that is being replaced: nothing that is the job's fault.
  if (!process.ok()) return absl::UnavailableError(process.status().message());
  MutexLock lock(mutex_);
  process_ = process->get();
  // Who asks from now on finds the process; who has asked meanwhile must not have asked in vain.
  if (asked_) process_->AskToEnd();
  if (killed_) process_->Kill();
  if (asked_) return process;
  if (absl::Status paced = pacer_.Add(process_->group(), options_.threads); !paced.ok()) {
    process_ = nullptr;
    return paced;
  }
  return process;
}

void TrainRun::Listen(Listening& listening) {
  while (listening.events_open || listening.output_open || !listening.process.HasEnded()) {
    if (clock_.Now() >= listening.deadline && !std::exchange(listening.timed_out, true)) listening.process.Kill();
    std::array<pollfd, 2> fds = {pollfd{listening.events_open ? listening.process.events() : -1, POLLIN, 0},
                                 pollfd{listening.output_open ? listening.process.output() : -1, POLLIN, 0}};
    const bool open = listening.events_open || listening.output_open;
    MonotonicTime wake = clock_.Now() + (open ? kLook : kLookForEnd);
    if (listening.progress) wake = std::min(wake, listening.next_progress);
    if (!listening.timed_out) wake = std::min(wake, listening.deadline);
    const int ready = poll(fds.data(), fds.size(), ToMilliseconds(wake - clock_.Now()));
    // Where nothing more can come of a process that has ended, somebody else holds its pipes.
    const bool over = ready == 0 && listening.process.HasEnded();
    if (fds[1].revents != 0) ReadOutput(listening);
    if (fds[0].revents != 0) ReadEvents(listening);
    if (listening.progress && clock_.Now() >= listening.next_progress) TellProgress(listening);
    if (over) break;
  }
  TellProgress(listening);
}

void TrainRun::ReadOutput(Listening& listening) {
  const ssize_t n = ReadSome(listening.process.output(), listening.buffer);
  if (n > 0) listening.log.Append({listening.buffer.data(), static_cast<size_t>(n)});
  listening.output_open = n != 0;
}

void TrainRun::ReadEvents(Listening& listening) {
  const ssize_t n = ReadSome(listening.process.events(), listening.buffer);
  listening.events_open = n != 0;
  if (n <= 0) return;
  listening.events = listening.reader.Feed({listening.buffer.data(), static_cast<size_t>(n)},
                                           [&](v1::TrainEvent event) { Hear(listening, std::move(event)); });
  if (listening.events.ok()) return;
  listening.process.Kill();
  listening.events_open = false;
}

void TrainRun::Hear(Listening& listening, v1::TrainEvent event) {
  if (event.has_progress()) {
    listening.progress = std::move(event);
    if (clock_.Now() >= listening.next_progress) TellProgress(listening);
    return;
  }
  TellProgress(listening);  // events stay in order
  Tell(std::move(event));
}

void TrainRun::TellProgress(Listening& listening) {
  if (!listening.progress) return;
  listening.next_progress = clock_.Now() + options_.progress_period;
  Tell(*std::exchange(listening.progress, std::nullopt));
}

void TrainRun::Tell(v1::TrainEvent event) {
  {
    MutexLock lock(mutex_);
    while (unhandled_ >= kMaxUnhandled) handled_.Wait(mutex_);
    ++unhandled_;
  }
  options_.told(std::move(event));
}

void TrainRun::Handled() {
  MutexLock lock(mutex_);
  --unhandled_;
  handled_.NotifyAll();
}

void TrainRun::AskToEnd() {
  MutexLock lock(mutex_);
  asked_ = true;
  if (process_ == nullptr) return;
  pacer_.Remove(process_->group());
  process_->AskToEnd();
}

void TrainRun::Kill() {
  MutexLock lock(mutex_);
  killed_ = true;
  if (process_ != nullptr) process_->Kill();
}

std::chrono::nanoseconds TrainRun::paused_time() const {
  MutexLock lock(mutex_);
  return process_ != nullptr ? pacer_.PausedTime(process_->group()) : std::chrono::nanoseconds(0);
}

}  // namespace beak
