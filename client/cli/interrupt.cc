#include "client/cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <iterator>
#include <utility>

#include "engine/base/check.h"

namespace beak::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

// What a signal handler may touch.
std::atomic<bool> g_happened{false};
std::atomic<int> g_pipe{-1};

void OnSignal(int) {
  const int error = errno;
  g_happened = true;
  // Fails only where the pipe is full, and somebody has been woken already.
  [[maybe_unused]] const ssize_t written = write(g_pipe, "s", 1);
  errno = error;
}

// Of a byte that says that a signal came; false for one that says that the end has come.
bool ReadSignal(int fd) {
  char what = 0;
  ssize_t count = 0;
  do {
    count = read(fd, &what, 1);
  } while (count < 0 && errno == EINTR);
  return count == 1 && what == 's';
}

}  // namespace

Interrupt::Interrupt(std::function<void()> act) {
  int ends[2];
  BEAK_CHECK(pipe(ends) == 0);
  g_happened = false;
  g_pipe = ends[1];
  thread_ = std::thread([fd = ends[0], act = std::move(act)] {
    bool acted = false;
    while (ReadSignal(fd)) {
      if (!acted) act();
      acted = true;
    }
    close(fd);
  });
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], &action, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) sigaction(kSignals[i], &before_[i], nullptr);
  }
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
  BEAK_CHECK(write(g_pipe, "e", 1) == 1);
  thread_.join();
  close(g_pipe.exchange(-1));
}

bool Interrupt::happened() { return g_happened; }

}  // namespace beak::cli
