#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>

namespace beak {

// Starts a thread that debuggers, top and perf show under `name`, of which the system keeps 15 characters. The caller
// joins it.
template <typename Function>
[[nodiscard]] std::thread StartThread(const std::string& name, Function function) {
  return std::thread([name = name.substr(0, 15), function = std::move(function)]() mutable {
    pthread_setname_np(pthread_self(), name.c_str());
    function();
  });
}

// Gives the calling thread a low priority, so that whatever serves requests goes first: beside threads that compute all
// the time it gets about a tenth of a core, for it must come to its end then too. On Linux a priority belongs to a
// thread, though POSIX says process; threads that it starts inherit it.
inline void LowerThreadPriority() {
  constexpr int kNice = 10;
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
}

}  // namespace beak
