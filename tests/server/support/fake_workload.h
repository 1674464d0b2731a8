#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/scheduling/workload.h"

// Work for a scheduler without models.
namespace beak::testing {

// A curve of programs on one thread: {rows, milliseconds} each, seldom exceeded by more than a factor of `margin`.
inline CostCurve MakeCurve(const std::vector<std::pair<int64_t, double>>& rows_and_ms,
                           const std::vector<std::pair<int64_t, double>>& wide_rows_and_ms = {}, int wide_threads = 2,
                           double margin = 1) {
  std::vector<Cost> costs;
  const auto add = [&](int64_t rows, int threads, double ms) {
    const auto cost = std::chrono::nanoseconds(static_cast<int64_t>(ms * 1e6));
    costs.push_back({rows, threads, cost, std::chrono::nanoseconds(static_cast<int64_t>(ms * 1e6 * margin)), cost});
  };
  for (const auto& [rows, ms] : rows_and_ms) add(rows, 1, ms);
  for (const auto& [rows, ms] : wide_rows_and_ms) add(rows, wide_threads, ms);
  return CostCurve(std::move(costs));
}

// A workload with given costs. Runs what it is told, on whichever lane; without that, tasks are only marked as run.
class FakeWorkload final : public Workload {
 public:
  using Body = std::function<void(const std::vector<std::shared_ptr<Task>>&, const BatchRun&)>;

  explicit FakeWorkload(QueueOptions options, CostCurve curve = MakeCurve({{1, 1}}), Body body = {})
      : options_(std::move(options)),
        curve_(std::make_shared<const CostCurve>(std::move(curve))),
        body_(std::move(body)) {}

  const QueueOptions& options() const override { return options_; }
  std::shared_ptr<const CostCurve> costs() const override { return std::atomic_load(&curve_); }
  void Run(std::vector<std::shared_ptr<Task>> batch, const BatchRun& how) override;

  void SetCosts(CostCurve curve) { std::atomic_store(&curve_, std::make_shared<const CostCurve>(std::move(curve))); }

 private:
  const QueueOptions options_;
  std::shared_ptr<const CostCurve> curve_;
  const Body body_;
};

// Tells by a future how it ended: OK means that it ran. A second end throws.
class FakeTask final : public Task {
 public:
  using Task::Task;

  void Ran() { end_.set_value(absl::OkStatus()); }
  void Refuse(absl::Status why, Refusal reason) override {
    refusal = reason;
    end_.set_value(std::move(why));
  }
  absl::Status End() { return end_.get_future().get(); }

  std::string name;
  Refusal refusal = Refusal::kFailed;  // once it has ended that way

 private:
  std::promise<absl::Status> end_;
};

inline void FakeWorkload::Run(std::vector<std::shared_ptr<Task>> batch, const BatchRun& how) {
  if (body_) body_(batch, how);
  for (const std::shared_ptr<Task>& task : batch) static_cast<FakeTask&>(*task).Ran();
}

}  // namespace beak::testing
