#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"

namespace beak {

// What files say now, for whoever asks often: they are read again with the first call of each second. What cannot be
// read is logged once, and what was there before stays. *Thread-safe.*
template <typename T>
class Watched {
 public:
  // Called by one thread at a time.
  struct Source {
    std::string what;  // names it in the log: "token file"
    std::function<absl::StatusOr<T>()> read;
    std::function<void(const T&)> changed;  // the first contents, and others than those before
  };

  // What `read` says.
  static absl::StatusOr<std::unique_ptr<Watched>> Create(Source source, const Clock& clock) {
    std::unique_ptr<Watched> watched(new Watched(std::move(source), clock));
    RETURN_IF_ERROR(watched->Read());
    watched->next_look_ = clock.Now() + kPeriod;
    return watched;
  }

  // Another pointer means that the files have changed.
  std::shared_ptr<const T> Current() {
    ReadAgain();
    MutexLock lock(mutex_);
    return contents_;
  }

 private:
  static constexpr std::chrono::seconds kPeriod{1};

  Watched(Source source, const Clock& clock) : source_(std::move(source)), clock_(clock) {}

  // Where it is time for it. One thread does it, without a lock, while others go on with what is there.
  void ReadAgain() {
    if (clock_.Now() < next_look_.load() || reading_.exchange(true)) return;
    const absl::Status read = Read();
    if (!read.ok() && read != last_error_) {
      LogError(absl::StrCat(source_.what, " not read, the one before it stays"),
               {{"reason", std::string(read.message())}});
    }
    last_error_ = read;
    next_look_ = clock_.Now() + kPeriod;
    reading_ = false;
  }

  absl::Status Read() {
    ASSIGN_OR_RETURN(T read, source_.read());
    auto contents = std::make_shared<const T>(std::move(read));
    {
      MutexLock lock(mutex_);
      if (contents_ && *contents_ == *contents) return absl::OkStatus();
      contents_ = contents;
    }
    source_.changed(*contents);
    return absl::OkStatus();
  }

  const Source source_;
  const Clock& clock_;
  absl::Status last_error_;  // of the thread that has made reading_ true
  std::atomic<bool> reading_{false};
  std::atomic<MonotonicTime> next_look_{MonotonicTime::min()};
  Mutex mutex_;
  std::shared_ptr<const T> contents_ GUARDED_BY(mutex_);
};

}  // namespace beak
