#include "engine/runtime/program_cache.h"

namespace beak {

absl::StatusOr<std::shared_ptr<const Program>> ProgramCache::Get(const Key& key, const Compile& compile) {
  {
    MutexLock lock(mutex_);
    for (auto it = entries_.find(key); it != entries_.end(); it = entries_.find(key)) {
      if (it->second.program != nullptr) {
        by_use_.splice(by_use_.begin(), by_use_, it->second.used);
        return it->second.program;
      }
      compiled_.Wait(mutex_);
    }
    by_use_.push_front(key);
    entries_[key] = {nullptr, by_use_.begin()};
  }
  absl::StatusOr<std::shared_ptr<const Program>> program = compile();
  MutexLock lock(mutex_);
  if (program.ok()) {
    entries_[key].program = *program;
    EvictBeyondCapacity();
  } else {
    by_use_.erase(entries_[key].used);
    entries_.erase(key);
  }
  compiled_.NotifyAll();
  return program;
}

int ProgramCache::size() const {
  MutexLock lock(mutex_);
  return static_cast<int>(entries_.size());
}

void ProgramCache::EvictBeyondCapacity() {
  auto last = by_use_.end();
  while (static_cast<int>(entries_.size()) > capacity_ && last != by_use_.begin()) {
    --last;
    const auto entry = entries_.find(*last);
    if (entry->second.program == nullptr) continue;  // being compiled: its caller will come back for it
    entries_.erase(entry);
    last = by_use_.erase(last);
  }
}

}  // namespace beak
