// What scheduling alone adds: rows offered at a steady rate, a workload that does nothing, and the time from when a row
// is due to the beginning of its run. Prints a table of medians over rounds that alternate between
//   scheduler   BatchScheduler, all of it
//   hand-over   as many threads that take whatever there is from one list: what threads alone cost on this machine
//   dispatcher  policy and queues without threads: admit, decide, take out, free the lane
//
//   beak-benchmark-scheduling [ROWS_PER_SECOND=100000] [SECONDS_A_ROUND=2] [LANES=2] [ROUNDS=5]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/observe/metrics.h"
#include "server/scheduling/batch_scheduler.h"
#include "server/scheduling/dispatcher.h"

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

// Threads that take from one list, and nothing else.
class HandOver {
 public:
  explicit HandOver(int lanes) {
    for (int lane = 0; lane < lanes; ++lane) threads_.emplace_back([this] { RunLane(); });
  }
  ~HandOver() {
    {
      MutexLock lock(mutex_);
      over_ = true;
    }
    wake_.NotifyAll();
    for (std::thread& thread : threads_) thread.join();
  }

  void Submit(std::shared_ptr<Task> task) {
    {
      MutexLock lock(mutex_);
      waiting_.push_back(std::move(task));
    }
    wake_.NotifyOne();
  }

 private:
  void RunLane() {
    while (true) {
      std::vector<std::shared_ptr<Task>> batch;
      {
        MutexLock lock(mutex_);
        while (waiting_.empty() && !over_) wake_.Wait(mutex_);
        if (waiting_.empty()) return;
        batch.swap(waiting_);
      }
      Workload& workload = batch.front()->workload();
      const std::shared_ptr<Workload> keep = batch.front()->shared_workload();
      workload.Run(std::move(batch), {});
    }
  }

  Mutex mutex_;
  CondVar wake_;
  std::vector<std::shared_ptr<Task>> waiting_ GUARDED_BY(mutex_);
  bool over_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

struct Load {
  double rate;  // rows a second
  double seconds;
  int lanes;

  size_t tasks() const { return static_cast<size_t>(rate * seconds); }
};

// Gives each row to `submit` when it is due.
void Offer(const Load& load, const std::shared_ptr<NoWork>& workload,
           const std::function<void(std::shared_ptr<Task>)>& submit) {
  const Clock& clock = Clock::Real();
  const MonotonicTime begin = clock.Now();
  for (size_t i = 0; i < load.tasks(); ++i) {
    const MonotonicTime due = begin + nanoseconds(static_cast<int64_t>(1e9 * static_cast<double>(i) / load.rate));
    while (clock.Now() < due) std::this_thread::yield();
    // From when it was due, so that a submitter that is held up does not hide it.
    submit(std::make_shared<TimedTask>(workload, Task::Properties{1, 0, due, kNever, 0}));
  }
}

struct Round {
  std::vector<nanoseconds> waits;
  double rows_a_run = 0;
};

Round Finish(NoWork& workload) {
  Round round{std::move(workload.waits()), static_cast<double>(workload.done()) / workload.runs()};
  std::sort(round.waits.begin(), round.waits.end());
  return round;
}

Round WithScheduler(const Load& load) {
  const auto workload = std::make_shared<NoWork>(load.tasks());
  Metrics metrics("benchmark");
  BatchScheduler scheduler({load.lanes, int64_t{1} << 20, int64_t{1} << 40}, Clock::Real(), metrics);
  Offer(load, workload, [&](std::shared_ptr<Task> task) { scheduler.Submit({std::move(task)}); });
  scheduler.Drain(Clock::Real().Now() + std::chrono::seconds(10));
  return Finish(*workload);
}

Round WithHandOver(const Load& load) {
  const auto workload = std::make_shared<NoWork>(load.tasks());
  {
    HandOver lanes(load.lanes);
    Offer(load, workload, [&](std::shared_ptr<Task> task) { lanes.Submit(std::move(task)); });
  }
  return Finish(*workload);
}

Round WithDispatcher(const Load& load) {
  const auto workload = std::make_shared<NoWork>(load.tasks());
  Dispatcher dispatcher({load.lanes, int64_t{1} << 20, int64_t{1} << 40});
  Offer(load, workload, [&](std::shared_ptr<Task> task) {
    dispatcher.Admit({std::move(task)}, Clock::Real().Now());
    Dispatcher::Work work = dispatcher.TakeBatch(0, Clock::Real().Now());
    workload->Run(std::move(work.batch), work.how);
    dispatcher.LaneIsFree(work.how);
  });
  return Finish(*workload);
}

double Microseconds(const Round& round, double quantile) {
  return Seconds(round.waits[static_cast<size_t>(quantile * static_cast<double>(round.waits.size() - 1))]) * 1e6;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main(int argc, char** argv) {
  const Load load{argc > 1 ? std::atof(argv[1]) : 100'000, argc > 2 ? std::atof(argv[2]) : 2,
                  argc > 3 ? std::atoi(argv[3]) : 2};
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  using Side = std::pair<const char*, Round (*)(const Load&)>;
  const std::vector<Side> sides = {
      {"scheduler", WithScheduler}, {"hand-over", WithHandOver}, {"dispatcher", WithDispatcher}};
  std::vector<std::vector<Round>> results(sides.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < sides.size(); ++i) results[i].push_back(sides[i].second(load));
  }
  std::printf("%.0f rows/s on %d lanes, added latency in microseconds, medians of %d rounds (target: p99 <= 50)\n",
              load.rate, load.lanes, rounds);
  std::printf("%-10s %8s %8s %8s %8s %10s\n", "", "p50", "p90", "p99", "p99.9", "rows a run");
  for (size_t i = 0; i < sides.size(); ++i) {
    std::printf("%-10s", sides[i].first);
    for (const double quantile : {0.5, 0.9, 0.99, 0.999}) {
      std::vector<double> values;
      for (const Round& round : results[i]) values.push_back(Microseconds(round, quantile));
      std::printf(" %8.1f", Median(values));
    }
    std::vector<double> rows;
    for (const Round& round : results[i]) rows.push_back(round.rows_a_run);
    std::printf(" %10.1f\n", Median(rows));
  }
  return 0;
}

}  // namespace
}  // namespace beak

int main(int argc, char** argv) { return beak::Main(argc, argv); }
