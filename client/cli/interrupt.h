#pragma once

#include <signal.h>

#include <functional>
#include <thread>

namespace beak::cli {

// While it lives, SIGINT and SIGTERM do not end the program: the first of them has `act` called, on a thread of its
// own; another one of the same kind ends it. One at a time.
class Interrupt {
 public:
  explicit Interrupt(std::function<void()> act);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Whether one has come.
  static bool happened();

 private:
  struct sigaction before_[2];
  std::thread thread_;
};

}  // namespace beak::cli
