#include "tests/training/train_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "google/protobuf/util/delimited_message_util.h"

extern char** environ;

namespace beak::testing {
namespace {

// As the child has them.
constexpr int kEventsFd = 10;
constexpr int kControlFd = 11;

// The ends of a pipe: to read from, to write to.
std::pair<ScopedFd, ScopedFd> MakePipe() {
  int ends[2];
  BEAK_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  return {ScopedFd(ends[0]), ScopedFd(ends[1])};
}

}  // namespace

TrainProcess::TrainProcess(std::vector<std::string> arguments) : TrainProcess(std::move(arguments), Options()) {}

TrainProcess::TrainProcess(std::vector<std::string> arguments, const Options& options) : output_(std::tmpfile()) {
  const char* folder = std::getenv("BEAK_BIN_DIR");
  arguments.insert(arguments.begin(), absl::StrCat(folder == nullptr ? "bin" : folder, "/beak-train"));
  auto [events, child_events] = MakePipe();
  // It cannot run far ahead of whoever reads.
  BEAK_CHECK(fcntl(events.get(), F_SETPIPE_SZ, 4096) > 0);
  auto [child_control, control] = MakePipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(output_), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(output_), STDERR_FILENO);
  if (options.events) {
    posix_spawn_file_actions_adddup2(&actions, child_events.get(), kEventsFd);
    arguments.push_back(absl::StrCat("--events-fd=", kEventsFd));
  }
  if (options.control) {
    posix_spawn_file_actions_adddup2(&actions, child_control.get(), kControlFd);
    arguments.push_back(absl::StrCat("--control-fd=", kControlFd));
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  BEAK_CHECK(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  events_fd_ = std::move(events);
  control_ = std::move(control);
  stream_ = std::make_unique<google::protobuf::io::FileInputStream>(events_fd_.get());
}

TrainProcess::~TrainProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::fclose(output_);
}

std::optional<v1::TrainEvent> TrainProcess::Next() {
  v1::TrainEvent event;
  if (stream_ == nullptr) return std::nullopt;
  if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&event, stream_.get(), nullptr)) return std::nullopt;
  events_.push_back(event);
  return event;
}

bool TrainProcess::AwaitEpoch(int64_t epoch) {
  while (const std::optional<v1::TrainEvent> event = Next()) {
    if (event->has_epoch() && event->epoch().epoch() == epoch) return true;
  }
  return false;
}

void TrainProcess::Signal(int number) { kill(pid_, number); }

void TrainProcess::CloseEvents() {
  stream_.reset();
  events_fd_.reset();
}

int TrainProcess::Wait() {
  while (Next()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<v1::EpochReport> TrainProcess::Epochs() const {
  std::vector<v1::EpochReport> epochs;
  for (const v1::TrainEvent& event : events_) {
    if (event.has_epoch()) epochs.push_back(event.epoch());
  }
  return epochs;
}

std::optional<v1::TrainResult> TrainProcess::Result() const {
  return events_.empty() || !events_.back().has_result() ? std::nullopt : std::optional(events_.back().result());
}

std::optional<v1::TrainFailure> TrainProcess::Failure() const {
  return events_.empty() || !events_.back().has_failure() ? std::nullopt : std::optional(events_.back().failure());
}

std::string TrainProcess::Notices() const {
  std::string notices;
  for (const v1::TrainEvent& event : events_) {
    if (event.has_notice()) absl::StrAppend(&notices, event.notice(), "\n");
  }
  return notices;
}

std::string TrainProcess::Output() const {
  std::string text;
  char part[4096];
  std::rewind(output_);
  while (const size_t n = std::fread(part, 1, sizeof(part), output_)) text.append(part, n);
  return text;
}

}  // namespace beak::testing
