// beak-train: runs one train job, for a server or for somebody at a terminal.
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/cpu.h"
#include "engine/base/parallel.h"
#include "engine/job/event_stream.h"
#include "engine/job/event_terminal.h"
#include "engine/job/run_job.h"
#include "engine/onednn/backend.h"

namespace beak::tools {
namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kStopped = 3;

constexpr int kNoFd = -1;
constexpr int kWaitMilliseconds = 200;  // between two looks at a folder that another process has

constexpr char kDescription[] =
    "Trains a network as a job file says, and leaves it in DIR/result: model.onnx, config.pbtxt, labels.txt, "
    "lineage.json. A job that was stopped (Ctrl-C, SIGTERM) or that died goes on with --resume, and gives the same "
    "bits as if it had not been.";
constexpr char kFooter[] =
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 stopped as asked (--resume goes on).\n"
    "Job files: beak.v1.TrainJobSpec as text; proto/beak/v1/train.proto says what they may have.";

struct Flags {
  RunJobOptions job;
  std::string code_version = BEAK_VERSION;
  int events_fd = kNoFd;
  int control_fd = kNoFd;
};

std::atomic<bool> g_signalled{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void OnSignal(int) { g_signalled.store(true, std::memory_order_relaxed); }

// The first signal asks it to stop; the second one ends it at once.
void CatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);  // whoever listens may go away
  signal(SIGXFSZ, SIG_IGN);  // a file that may not be that large is an error like a full disk
}

// Memory of batches, runs and networks goes back to the system when it is given back; by itself glibc would keep more
// of it for later after each epoch. What samples and messages take is smaller, and stays.
void GiveMemoryBack() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

// Whether whoever holds the other end of a pipe has closed it; waits for that at most so long.
bool Closed(int fd, int milliseconds) {
  if (fd == kNoFd) return false;
  pollfd ready{fd, POLLIN, 0};
  if (poll(&ready, 1, milliseconds) <= 0 || ready.revents == 0) return false;
  char bytes[64];
  const ssize_t n = read(fd, bytes, sizeof(bytes));
  return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

// Whether it is to stop. Once it is, that stays so.
class StopRequest {
 public:
  explicit StopRequest(int control_fd) : control_fd_(control_fd) {}

  bool Asked(int wait_milliseconds = 0) {
    asked_ = asked_ || g_signalled.load(std::memory_order_relaxed) || Closed(control_fd_, wait_milliseconds);
    return asked_;
  }

 private:
  const int control_fd_;
  bool asked_ = false;
};

void AddOptions(CLI::App& app, Flags& flags) {
  RunJobOptions& job = flags.job;
  app.add_option("JOB", job.job_file, "Job file (beak.v1.TrainJobSpec as text)")->required();
  app.add_option("--output", job.output, "The job's folder: checkpoints and result; made where it is not there")
      ->type_name("DIR");
  app.add_flag("--resume", job.resume, "Go on from the newest checkpoint; begin where there is none");
  app.add_flag("--check", job.check, "Read and check everything, say what it will take, and train nothing");
  app.add_option("--compare", job.compare_file,
                 "Once trained, compare with this network (ONNX) on the held-out data, sample by sample")
      ->type_name("FILE");
  app.add_option("--data-dir", job.data_dir,
                 "Folder of the data's files, which may not be outside it; default: the job file's own, and any others")
      ->type_name("DIR");
  app.add_option("--served-model", job.served_model, "The model (ONNX) that a job with network { served {} } means")
      ->type_name("FILE");
  app.add_option("--threads", job.threads, "Threads, where the job does not say; default: all cores it may use")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.add_option("--memory-limit-bytes", job.memory_limit_bytes,
                 "Jobs that will take more memory are refused; default: what the process may use")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 50))
      ->type_name("N");
  app.add_option("--code-version", flags.code_version, "What lineage.json says of this program's version")
      ->type_name("V")
      ->capture_default_str();
  app.add_option("--events-fd", flags.events_fd,
                 "Write length-delimited beak.v1.TrainEvents to this file descriptor instead of a table to stdout")
      ->type_name("N");
  app.add_option("--control-fd", flags.control_fd, "Stop when this pipe is closed at its other end")->type_name("N");
}

// What CLI11 cannot check by itself; throws what its parser would.
void CheckFlags(const Flags& flags) {
  if (flags.job.output.empty() && !flags.job.check) throw CLI::RequiredError("--output");
  for (const auto& [name, fd] :
       {std::pair("--events-fd", flags.events_fd), std::pair("--control-fd", flags.control_fd)}) {
    if (fd == kNoFd || fcntl(fd, F_GETFD) >= 0) continue;
    throw CLI::ValidationError(std::string(name) + ": expected an open file descriptor, got " + std::to_string(fd));
  }
}

absl::Status Run(const Flags& flags, EventSink& events) {
  try {
    return RunJob(flags.job, CpuBackend(), events, Clock::Real());
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("expected more memory than the process may have");
  }
}

int Train(Flags& flags) {
  CatchSignals();
  GiveMemoryBack();
  StopRequest stop(flags.control_fd);
  flags.job.stop = [&] { return stop.Asked(); };
  flags.job.while_reading = [&] {
    if (!stop.Asked()) return;
    std::fprintf(stderr, "beak-train: stopped as asked while data was read\n");
    std::_Exit(kStopped);
  };
  flags.job.foreign = flags.events_fd != kNoFd || flags.control_fd != kNoFd;  // a server's, who took it from a client
  if (flags.control_fd != kNoFd) flags.job.wait_for_folder = [&] { return !stop.Asked(kWaitMilliseconds); };
  flags.job.code = {
      {"version", flags.code_version}, {"instruction_set", IsaName(BestIsa())}, {"kernels", KernelLibraryVersion()}};
  std::unique_ptr<EventSink> events;
  if (flags.events_fd != kNoFd) {
    events = std::make_unique<EventStream>(flags.events_fd);
  } else {
    EventTerminal::Options options;
    options.rewrite = isatty(STDERR_FILENO) == 1;
    events = std::make_unique<EventTerminal>(options, Clock::Real());
  }
  const absl::Status status = Run(flags, *events);
  if (status.ok()) return 0;
  const bool stopped = absl::IsCancelled(status) && stop.Asked();
  if (!stopped) events->Failure(status);
  std::fprintf(stderr, "beak-train: %s\n", stopped ? std::string(status.message()).c_str() : status.ToString().c_str());
  return stopped ? kStopped : kFailure;
}

int Main(int argc, char** argv) {
  CLI::App app(kDescription, "beak-train");
  app.footer(kFooter);
  app.set_version_flag("--version", "beak-train " BEAK_VERSION);
  Flags flags;
  AddOptions(app, flags);
  try {
    app.parse(argc, argv);
    CheckFlags(flags);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return Train(flags);
}

}  // namespace
}  // namespace beak::tools

int main(int argc, char** argv) {
  beak::LimitSpinning(argv);
  return beak::tools::Main(argc, argv);
}
