#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/jobs/job_manager.h"

namespace beak {

// Who watches which job. *Thread-compatible*: of the manager's thread, on which listeners are called.
class JobWatchers {
 public:
  void Add(const std::string& id, std::weak_ptr<JobListener> listener) {
    std::vector<std::weak_ptr<JobListener>>& watchers = watchers_[id];
    std::erase_if(watchers, [](const std::weak_ptr<JobListener>& watcher) { return watcher.expired(); });
    watchers.push_back(std::move(listener));
  }
  // Nothing comes of this job any more.
  void Forget(const std::string& id) { watchers_.erase(id); }

  // Calls `tell` with each that still listens.
  template <typename Tell>
  void ForEach(const std::string& id, const Tell& tell) {
    const auto watchers = watchers_.find(id);
    if (watchers == watchers_.end()) return;
    std::vector<std::weak_ptr<JobListener>> alive;
    for (const std::weak_ptr<JobListener>& watcher : watchers->second) {
      const std::shared_ptr<JobListener> listener = watcher.lock();
      if (!listener) continue;
      tell(*listener);
      alive.push_back(watcher);
    }
    watchers->second = std::move(alive);
    if (watchers->second.empty()) watchers_.erase(watchers);
  }

  // Tells all that it is over, and forgets them.
  void End(const absl::Status& status) {
    for (const auto& [id, watchers] : std::exchange(watchers_, {})) {
      for (const std::weak_ptr<JobListener>& watcher : watchers) {
        if (const std::shared_ptr<JobListener> listener = watcher.lock()) listener->OnEnd(status);
      }
    }
  }

 private:
  std::map<std::string, std::vector<std::weak_ptr<JobListener>>> watchers_;
};

}  // namespace beak
