#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "engine/base/mutex.h"

namespace beak {

// Gives answers in the order in which their requests came, whichever is ready first. *Thread-safe.*
class AnswerOrder {
 public:
  // A request has come: its number.
  uint64_t Enter() EXCLUDES(mutex_);

  // Its answer is ready: `answer` is called as soon as all before it have been, on this thread or on that of one of
  // them. REQUIRES: once for each number.
  void Leave(uint64_t number, std::function<void()> answer) EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  uint64_t next_number_ GUARDED_BY(mutex_) = 0;
  uint64_t next_answer_ GUARDED_BY(mutex_) = 0;
  bool answering_ GUARDED_BY(mutex_) = false;  // a thread is, and goes on for those that come meanwhile
  std::map<uint64_t, std::function<void()>> ready_ GUARDED_BY(mutex_);
};

}  // namespace beak
