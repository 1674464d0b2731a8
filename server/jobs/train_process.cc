#include "server/jobs/train_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

extern char** environ;

namespace beak {
namespace {

// Descriptors of the child.
constexpr int kEvents = 3;
constexpr int kControl = 4;
constexpr int kStarted = 5;  // closes when the program runs; before that, why it does not
constexpr int kFirstOther = 6;

constexpr int kLowestPriority = 19;
// Threads of OpenMP that wait for the next loop of a step take a core for so long, in turns of a loop: about the time
// that a step's own code takes between two of them. By default it is milliseconds, which serving could use.
constexpr char kSpinCount[] = "GOMP_SPINCOUNT";
constexpr char kSpins[] = "1000";

// Everything that the child needs, made before it is there: it shares our memory until it executes the program, and
// may call nothing that allocates or locks.
struct Child {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int input;
  int output;
  int events;
  int control;
  int started;
  rlim_t data_limit;  // 0: none
};

void ResetSignals() {
  struct sigaction action = {};
  for (int signal = 1; signal < NSIG; ++signal) {
    // Pipes that nobody reads any more, and the end of the session, must not keep it from writing a checkpoint. The
    // kernel sends SIGHUP, then SIGCONT, to a group that was stopped when its parent dies.
    action.sa_handler = signal == SIGPIPE || signal == SIGHUP ? SIG_IGN : SIG_DFL;
    sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void MakeHumble(rlim_t data_limit) {
  setpriority(PRIO_PROCESS, 0, kLowestPriority);
  const sched_param parameters = {};
  if (sched_setscheduler(0, SCHED_IDLE, &parameters) != 0) sched_setscheduler(0, SCHED_BATCH, &parameters);
  if (const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); file >= 0) {
    constexpr std::string_view kFirstToGo = "1000";
    if (write(file, kFirstToGo.data(), kFirstToGo.size()) < 0) {
      // It is as likely to go as we are then.
    }
    close(file);
  }
  if (data_limit == 0) return;
  const rlimit limit = {data_limit, data_limit};
  setrlimit(RLIMIT_DATA, &limit);
}

void CloseOthers() {
  if (close_range(kFirstOther, UINT_MAX, 0) == 0) return;
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  for (rlim_t fd = kFirstOther; fd < limit.rlim_cur; ++fd) close(static_cast<int>(fd));
}

[[noreturn]] void RunChild(const Child& child) {
  setpgid(0, 0);
  ResetSignals();
  MakeHumble(child.data_limit);
  const bool connected = dup2(child.input, STDIN_FILENO) >= 0 && dup2(child.output, STDOUT_FILENO) >= 0 &&
                         dup2(child.output, STDERR_FILENO) >= 0 && dup2(child.events, kEvents) >= 0 &&
                         dup2(child.control, kControl) >= 0 && dup3(child.started, kStarted, O_CLOEXEC) >= 0;
  if (connected) {
    CloseOthers();
    execve(child.program, child.arguments, child.environment);
  }
  const int error = errno;
  if (write(connected ? kStarted : child.started, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

// Not fork: that would copy the page tables of all that is loaded, and stop the lanes meanwhile.
[[gnu::noinline]] pid_t StartChild(const Child& child) {
  const pid_t pid = vfork();  // NOLINT: the child calls what is safe there, and executes
  if (pid == 0) RunChild(child);
  return pid;
}

// Out of the way of the numbers that the child's descriptors get.
absl::StatusOr<ScopedFd> MoveUp(ScopedFd fd) {
  constexpr int kAbove = 16;
  ScopedFd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, kAbove));
  if (moved.get() < 0) return absl::ErrnoToStatus(errno, "train process: descriptors");
  return moved;
}

struct Pipe {
  ScopedFd read;
  ScopedFd write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "train process: pipe");
  ScopedFd read(ends[0]);
  ScopedFd write(ends[1]);
  Pipe pipe;
  ASSIGN_OR_RETURN(pipe.read, MoveUp(std::move(read)));
  ASSIGN_OR_RETURN(pipe.write, MoveUp(std::move(write)));
  return pipe;
}

absl::StatusOr<ScopedFd> OpenNothing() {
  ScopedFd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.get() < 0) return absl::ErrnoToStatus(errno, "train process: /dev/null");
  return MoveUp(std::move(nothing));
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Arguments(const TrainCommand& command) {
  std::vector<std::string> arguments = {command.program};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  arguments.push_back(absl::StrCat("--events-fd=", kEvents));
  arguments.push_back(absl::StrCat("--control-fd=", kControl));
  return arguments;
}

std::vector<std::string> Environment() {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) environment.emplace_back(*variable);
  if (std::getenv(kSpinCount) == nullptr && std::getenv("OMP_WAIT_POLICY") == nullptr) {
    environment.push_back(absl::StrCat(kSpinCount, "=", kSpins));
  }
  return environment;
}

// Signals wait: a handler of ours must not run in the child.
pid_t StartUndisturbed(const Child& child) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = StartChild(child);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

// The error that kept the child from executing the program, or 0.
int ReadError(int fd) {
  int error = 0;
  ssize_t n = 0;
  do n = read(fd, &error, sizeof(error));
  while (n < 0 && errno == EINTR);
  return n == sizeof(error) ? error : 0;
}

void WaitFor(pid_t pid, int* status) {
  while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainProcess>> TrainProcess::Start(const TrainCommand& command) {
  ASSIGN_OR_RETURN(ScopedFd nothing, OpenNothing());
  ASSIGN_OR_RETURN(Pipe events, MakePipe());
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ASSIGN_OR_RETURN(Pipe control, MakePipe());
  ASSIGN_OR_RETURN(Pipe started, MakePipe());
  std::vector<std::string> arguments = Arguments(command);
  std::vector<std::string> environment = Environment();
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  const Child child = {
      command.program.c_str(), argument_pointers.data(), environment_pointers.data(),
      nothing.get(),           output.write.get(),       events.write.get(),
      control.read.get(),      started.write.get(),      static_cast<rlim_t>(command.data_limit_bytes)};
  const pid_t pid = StartUndisturbed(child);
  if (pid < 0) return absl::ErrnoToStatus(errno, "train process: cannot be started");
  started.write.reset();
  if (const int error = ReadError(started.read.get()); error != 0) {
    int ignored = 0;
    WaitFor(pid, &ignored);
    return absl::ErrnoToStatus(error, absl::StrCat("train program '", command.program, "': cannot be executed"));
  }
  fcntl(events.read.get(), F_SETFL, O_NONBLOCK);
  fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<TrainProcess>(
      new TrainProcess(pid, std::move(events.read), std::move(output.read), std::move(control.write)));
}

TrainProcess::TrainProcess(pid_t pid, ScopedFd events, ScopedFd output, ScopedFd control)
    : pid_(pid), events_(std::move(events)), output_(std::move(output)), control_(std::move(control)) {}

TrainProcess::~TrainProcess() {
  bool reaped = false;
  {
    MutexLock lock(mutex_);
    reaped = reaped_;
  }
  if (reaped) return;
  Kill();
  Reap();
}

void TrainProcess::AskToEnd() {
  MutexLock lock(mutex_);
  control_.reset();
}

void TrainProcess::Kill() {
  MutexLock lock(mutex_);
  if (!reaped_) kill(-pid_, SIGKILL);
}

bool TrainProcess::HasEnded() const {
  siginfo_t info = {};
  // An error: somebody else has reaped it, as where SIGCHLD is ignored.
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

TrainProcess::End TrainProcess::Reap() {
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  MutexLock lock(mutex_);
  kill(-pid_, SIGKILL);
  int status = 0;
  End end;
  if (waitpid(pid_, &status, 0) == pid_) {
    if (WIFEXITED(status)) end.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  }
  reaped_ = true;
  return end;
}

}  // namespace beak
