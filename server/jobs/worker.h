#pragma once

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "engine/base/mailbox.h"
#include "engine/base/thread.h"

namespace beak {

// Does one thing after the other on a thread of its own. *Thread-safe.*
class Worker {
 public:
  explicit Worker(const std::string& name)
      : thread_(StartThread(name, [this] {
          while (!tasks_.closed()) {
            tasks_.WaitUntil(kNever);
            for (const Mailbox::Event& task : tasks_.Take()) task();
          }
        })) {}
  // Returns when everything has been done that it was given.
  ~Worker() {
    tasks_.Close();
    thread_.join();
    for (const Mailbox::Event& task : tasks_.Take()) task();
  }

  void Do(std::function<void()> task) { tasks_.Post(std::move(task)); }

 private:
  Mailbox tasks_;
  std::thread thread_;
};

}  // namespace beak
