// What scheduling alone adds: rows offered at a steady rate to the scheduler, a workload that does nothing, and the
// time from Submit to the beginning of the run. Prints a table.
//
//   beak-benchmark-scheduling [ROWS_PER_SECOND=100000] [SECONDS=5] [LANES=2]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/clock.h"
#include "server/observe/metrics.h"
#include "server/scheduling/batch_scheduler.h"

namespace beak {
namespace {

using std::chrono::nanoseconds;

class TimedTask final : public Task {
 public:
  using Task::Task;
  void Refuse(absl::Status, Refusal) override {}
};

// Notes when each task is run. Costs say that a batch costs little more than a row, as they do for small networks.
class NoWork final : public Workload {
 public:
  explicit NoWork(size_t tasks) : waits_(tasks) {
    options_.model = "nothing";
    options_.max_batch_rows = 64;
    std::vector<Cost> costs;
    for (int64_t rows = 1; rows <= 64; rows *= 2) {
      const nanoseconds cost(1000 + 100 * rows);
      costs.push_back({rows, 1, cost, cost, cost});
    }
    costs_ = std::make_shared<const CostCurve>(std::move(costs));
  }

  const QueueOptions& options() const override { return options_; }
  std::shared_ptr<const CostCurve> costs() const override { return costs_; }
  void Run(std::vector<std::shared_ptr<Task>> batch, const BatchRun&) override {
    const MonotonicTime now = Clock::Real().Now();
    const size_t first = done_.fetch_add(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) waits_[first + i] = now - batch[i]->arrived();
    ++runs_;
  }

  std::vector<nanoseconds>& waits() { return waits_; }
  size_t done() const { return done_; }
  int runs() const { return runs_; }

 private:
  QueueOptions options_;
  std::shared_ptr<const CostCurve> costs_;
  std::vector<nanoseconds> waits_;
  std::atomic<size_t> done_{0};
  std::atomic<int> runs_{0};
};

int Main(int argc, char** argv) {
  const double rate = argc > 1 ? std::atof(argv[1]) : 100'000;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
  const int lanes = argc > 3 ? std::atoi(argv[3]) : 2;
  const auto tasks = static_cast<size_t>(rate * seconds);
  const Clock& clock = Clock::Real();
  Metrics metrics("benchmark");
  const auto workload = std::make_shared<NoWork>(tasks);
  BatchScheduler scheduler({lanes, int64_t{1} << 20, int64_t{1} << 40}, clock, metrics);
  const MonotonicTime begin = clock.Now();
  for (size_t i = 0; i < tasks; ++i) {
    const MonotonicTime due = begin + nanoseconds(static_cast<int64_t>(1e9 * static_cast<double>(i) / rate));
    while (clock.Now() < due) std::this_thread::yield();
    // From when it was due, so that a submitter that is held up does not hide it.
    scheduler.Submit({std::make_shared<TimedTask>(workload, Task::Properties{1, 0, due, kNever, 0})});
  }
  scheduler.Drain(clock.Now() + std::chrono::seconds(10));
  std::vector<nanoseconds>& waits = workload->waits();
  std::sort(waits.begin(), waits.end());
  const auto microseconds = [&](double quantile) {
    return Seconds(waits[static_cast<size_t>(quantile * static_cast<double>(waits.size() - 1))]) * 1e6;
  };
  std::printf("%zu of %zu rows in %.1f s, %.1f rows a run\n", workload->done(), tasks, Seconds(clock.Now() - begin),
              static_cast<double>(workload->done()) / workload->runs());
  std::printf("added latency, microseconds: p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  (target: p99 <= 50)\n",
              microseconds(0.5), microseconds(0.9), microseconds(0.99), microseconds(0.999));
  return 0;
}

}  // namespace
}  // namespace beak

int main(int argc, char** argv) { return beak::Main(argc, argv); }
