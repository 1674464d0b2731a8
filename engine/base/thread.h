#pragma once

#include <pthread.h>

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

}  // namespace beak
