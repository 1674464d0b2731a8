#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

// Annotated wrappers over std::mutex. Debian's absl::Mutex is not built for ThreadSanitizer and gives false races;
// std::mutex is understood by it, and clang's -Wthread-safety checks these annotations.
#if defined(__clang__)
#define BEAK_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define BEAK_THREAD_ANNOTATION(x)
#endif
#ifndef GUARDED_BY  // Debian 12's Abseil defines it too, to the same effect.
#define GUARDED_BY(x) BEAK_THREAD_ANNOTATION(guarded_by(x))
#endif
#define REQUIRES(...) BEAK_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) BEAK_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace beak {

// A mutex that clang's analysis knows. *Thread-safe.*
class BEAK_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void Lock() BEAK_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void Unlock() BEAK_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class BEAK_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) BEAK_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() BEAK_THREAD_ANNOTATION(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for Mutex. Waits may wake early: call them in a loop that tests the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait(lock);
    lock.release();
  }
  // Returns at `deadline` at the latest.
  void WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait_until(lock, deadline);
    lock.release();
  }
  void NotifyOne() { cond_.notify_one(); }
  void NotifyAll() { cond_.notify_all(); }

 private:
  std::condition_variable cond_;
};

}  // namespace beak
