#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "server/scheduling/scheduler.h"

namespace beak::testing {

// Runs each request's tasks at once on the calling thread, one a run, or keeps them until told.
class InlineScheduler final : public Scheduler {
 public:
  using Tasks = std::vector<std::shared_ptr<Task>>;

  void Submit(Tasks tasks) override {
    parts = tasks.size();
    if (on_submit) on_submit();
    if (hold) {
      held.insert(held.end(), tasks.begin(), tasks.end());
      return;
    }
    for (const std::shared_ptr<Task>& task : tasks) {
      if (before_run) before_run(*task);
      RunBatch({task});
    }
  }
  void Cancel(Task& task) override { task.cancel_token().Cancel(); }
  void ProgramsChanged() override {}
  void RefuseAll(const Workload&, const absl::Status&) override {}
  void Drain(MonotonicTime) override {}

  // As a lane would, on the smallest program that holds the tasks, or on a larger one.
  static void RunBatch(Tasks batch, int64_t program_rows = 0) {
    Workload& workload = batch.front()->workload();
    int64_t rows = 0;
    for (const std::shared_ptr<Task>& task : batch) rows += task->rows();
    const int64_t least = workload.costs()->Smallest(std::max(rows, program_rows), 1)->rows;
    workload.Run(std::move(batch), {0, least, 1});
  }
  Tasks TakeHeld() { return std::exchange(held, {}); }

  std::function<void()> on_submit;
  std::function<void(Task&)> before_run;
  bool hold = false;
  Tasks held;
  size_t parts = 0;  // of the last request
};

}  // namespace beak::testing
