#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/runtime/program.h"
#include "engine/tensor/shape.h"

namespace beak {

// The compiled programs of one model, by input shapes and threads: at most `capacity`, the least recently used goes
// first (whoever still runs it keeps it alive). *Thread-safe.*
class ProgramCache {
 public:
  using Key = std::pair<std::vector<Shape>, int>;
  using Compile = std::function<absl::StatusOr<std::shared_ptr<const Program>>()>;

  explicit ProgramCache(int capacity) : capacity_(capacity) {}

  // The program of `key`; calls `compile` where there is none. Callers that ask for the same key meanwhile wait for it
  // rather than compile it again; other keys are not held up. A failure is returned and not remembered.
  absl::StatusOr<std::shared_ptr<const Program>> Get(const Key& key, const Compile& compile) EXCLUDES(mutex_);

  int size() const EXCLUDES(mutex_);

 private:
  struct Entry {
    std::shared_ptr<const Program> program;  // null while it is being compiled
    std::list<Key>::iterator used;
  };

  void EvictBeyondCapacity() REQUIRES(mutex_);

  const int capacity_;
  mutable Mutex mutex_;
  CondVar compiled_;
  std::map<Key, Entry> entries_ GUARDED_BY(mutex_);
  std::list<Key> by_use_ GUARDED_BY(mutex_);  // most recent first
};

}  // namespace beak
