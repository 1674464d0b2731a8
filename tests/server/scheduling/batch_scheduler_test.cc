#include "server/scheduling/batch_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/server/support/fake_workload.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::FakeTask;
using testing::FakeWorkload;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeCurve;
using testing::StatusIs;

using std::chrono::milliseconds;
using std::chrono::seconds;

// Runs of tasks that keep their lane until they are told to let go. Others run at once.
class Blocker {
 public:
  // The run may still be about to end when this has gone.
  explicit Blocker(QueueOptions options = {})
      : workload(std::make_shared<FakeWorkload>(std::move(options), MakeCurve({{1, 0.001}}),
                                                [this, released = release_.get_future().share()](auto&, auto&) {
                                                  running_.set_value();
                                                  released.wait();
                                                })) {}

  std::shared_ptr<FakeTask> Start(Scheduler& scheduler) {
    const auto task = std::make_shared<FakeTask>(workload, Task::Properties());
    scheduler.Submit({task});
    running_.get_future().wait();
    return task;
  }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> running_;
  std::promise<void> release_;

 public:
  const std::shared_ptr<FakeWorkload> workload;
};

class BatchSchedulerTest : public ::testing::Test {
 protected:
  std::unique_ptr<BatchScheduler> Make(int lanes, int64_t rows = 100) {
    return std::make_unique<BatchScheduler>(BatchScheduler::Options{lanes, rows, int64_t{1} << 30}, clock_, metrics_);
  }
  MonotonicTime In(milliseconds delay) const { return clock_.Now() + delay; }
  std::shared_ptr<FakeTask> Task(MonotonicTime deadline = kNever, int64_t rows = 1) {
    return Task(quick_, deadline, rows);
  }
  std::shared_ptr<FakeTask> Task(const std::shared_ptr<FakeWorkload>& workload, MonotonicTime deadline = kNever,
                                 int64_t rows = 1) {
    return std::make_shared<FakeTask>(workload, beak::Task::Properties{rows, rows, clock_.Now(), deadline, 0});
  }

  const Clock& clock_ = Clock::Real();
  Metrics metrics_{"test"};
  const std::shared_ptr<FakeWorkload> quick_ =
      std::make_shared<FakeWorkload>(QueueOptions{"quick", 4}, MakeCurve({{1, 0.001}, {2, 0.0012}, {4, 0.0014}}));
};

TEST_F(BatchSchedulerTest, RunsWhatIsSubmitted) {
  const auto scheduler = Make(2);
  const auto task = Task();
  scheduler->Submit({task});
  EXPECT_OK(task->End());
}

TEST_F(BatchSchedulerTest, LanesRunSideBySide) {
  const auto scheduler = Make(2);
  Blocker first, second;
  const auto a = first.Start(*scheduler);
  const auto b = second.Start(*scheduler);
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_lanes_busy 2"));
  first.Release();
  second.Release();
  EXPECT_OK(a->End());
  EXPECT_OK(b->End());
}

TEST_F(BatchSchedulerTest, WhatWaitsIsBatched) {
  const auto scheduler = Make(1);
  Blocker blocker;
  blocker.Start(*scheduler);
  std::atomic<int> runs{0};
  const auto workload =
      std::make_shared<FakeWorkload>(QueueOptions{"batched", 4}, MakeCurve({{1, 0.001}, {2, 0.0012}, {4, 0.0014}}),
                                     [&](const auto& batch, const BatchRun& how) {
                                       ++runs;
                                       EXPECT_EQ(batch.size(), 4u);
                                       EXPECT_EQ(how.program_rows, 4);
                                     });
  std::vector<std::shared_ptr<FakeTask>> tasks;
  for (int i = 0; i < 8; ++i) {
    tasks.push_back(Task(workload));
    scheduler->Submit({tasks.back()});
  }
  blocker.Release();
  for (const auto& task : tasks) EXPECT_OK(task->End());
  EXPECT_EQ(runs, 2);
}

TEST_F(BatchSchedulerTest, OneRequestUsesAllLanesOfAnIdleMachine) {
  const auto scheduler = Make(2);
  std::promise<int> threads;
  const auto workload = std::make_shared<FakeWorkload>(QueueOptions{"wide", 1}, MakeCurve({{1, 10}}, {{1, 5}}),
                                                       [&](auto&, const BatchRun& how) {
                                                         EXPECT_EQ(how.lane, 0);
                                                         threads.set_value(how.threads);
                                                       });
  const auto task = Task(workload);
  scheduler->Submit({task});
  EXPECT_EQ(threads.get_future().get(), 2);
  EXPECT_OK(task->End());
}

TEST_F(BatchSchedulerTest, AFullQueueRefusesAtOnce) {
  const auto scheduler = Make(1, 2);
  Blocker blocker;
  blocker.Start(*scheduler);
  const auto fits = Task(kNever, 2);
  const auto excess = Task();
  scheduler->Submit({fits});
  scheduler->Submit({excess});
  EXPECT_THAT(excess->End(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("queue is full")));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_rows 2"));
  blocker.Release();
  EXPECT_OK(fits->End());
}

TEST_F(BatchSchedulerTest, TheHopelessAreRefusedWhileAllLanesAreBusy) {
  const auto scheduler = Make(1);
  Blocker blocker;
  blocker.Start(*scheduler);
  const auto slow = std::make_shared<FakeWorkload>(QueueOptions{"slow", 1}, MakeCurve({{1, 20}}));
  const auto behind = Task();
  const auto hopeless = Task(slow, In(milliseconds(30)));
  scheduler->Submit({behind});
  scheduler->Submit({hopeless});
  EXPECT_THAT(hopeless->End(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(hopeless->refusal, Refusal::kHopeless);
  EXPECT_GE(clock_.Now(), hopeless->deadline() - milliseconds(20));
  EXPECT_LT(clock_.Now(), hopeless->deadline()) << "the client hears of it while it can still do something else";
  blocker.Release();
  EXPECT_OK(behind->End());
}

TEST_F(BatchSchedulerTest, AnEarlierDeadlineMovesTheTimerForward) {
  const auto scheduler = Make(1);
  Blocker blocker;
  blocker.Start(*scheduler);
  const auto patient = Task(In(std::chrono::hours(1)));
  const auto hurried = Task(In(milliseconds(5)));
  scheduler->Submit({patient});
  scheduler->Submit({hurried});
  EXPECT_THAT(hurried->End(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  blocker.Release();
  EXPECT_OK(patient->End());
}

TEST_F(BatchSchedulerTest, ADelayEndsByItself) {
  const auto scheduler = Make(1);
  QueueOptions options{"delayed", 4};
  options.max_delay = milliseconds(5);
  const auto workload = std::make_shared<FakeWorkload>(options, MakeCurve({{1, 0.001}, {4, 0.001}}));
  const auto task = Task(workload);
  scheduler->Submit({task});
  EXPECT_OK(task->End());
  EXPECT_GE(clock_.Now(), task->arrived() + milliseconds(5));
}

TEST_F(BatchSchedulerTest, TasksWaitForTheirProgram) {
  const auto scheduler = Make(2);
  const auto workload = std::make_shared<FakeWorkload>(QueueOptions{"new", 1}, CostCurve());
  const auto task = Task(workload);
  const auto other = Task();
  scheduler->Submit({task});
  scheduler->Submit({other});
  EXPECT_OK(other->End()) << "which nobody else waits for";
  workload->SetCosts(MakeCurve({{1, 1}}));
  scheduler->ProgramsChanged();
  EXPECT_OK(task->End());
}

TEST_F(BatchSchedulerTest, OrForWordThatThereIsNone) {
  const auto scheduler = Make(1);
  const auto workload = std::make_shared<FakeWorkload>(QueueOptions{"new", 1}, CostCurve());
  const auto task = Task(workload);
  scheduler->Submit({task});
  scheduler->RefuseAll(*workload, absl::InvalidArgumentError("no such shape"));
  EXPECT_THAT(task->End(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no such shape")));
}

TEST_F(BatchSchedulerTest, ACancelledTaskIsAnsweredBeforeCancelReturns) {
  const auto scheduler = Make(1);
  Blocker blocker;
  blocker.Start(*scheduler);
  const auto waiting = Task();
  scheduler->Submit({waiting});
  scheduler->Cancel(*waiting);
  EXPECT_THAT(waiting->End(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_rows 0"));
  blocker.Release();
}

TEST_F(BatchSchedulerTest, CancelBeforeSubmitCounts) {
  const auto scheduler = Make(1);
  const auto task = Task();
  scheduler->Cancel(*task);
  scheduler->Submit({task});
  EXPECT_THAT(task->End(), StatusIs(absl::StatusCode::kCancelled));
}

// Runs until it is told that it is cancelled.
class Stubborn {
 public:
  std::shared_ptr<FakeTask> Start(Scheduler& scheduler) {
    const auto task = std::make_shared<FakeTask>(workload_, Task::Properties());
    scheduler.Submit({task});
    running_.get_future().wait();
    return task;
  }

 private:
  std::promise<void> running_;
  const std::shared_ptr<FakeWorkload> workload_ =
      std::make_shared<FakeWorkload>(QueueOptions{"stubborn", 1}, MakeCurve({{1, 1}}), [this](auto& batch, auto&) {
        running_.set_value();
        while (!batch[0]->cancelled()) std::this_thread::yield();
      });
};

TEST_F(BatchSchedulerTest, ARunningTaskIsToldThatItIsCancelled) {
  const auto scheduler = Make(1);
  Stubborn stubborn;
  const auto task = stubborn.Start(*scheduler);
  scheduler->Cancel(*task);
  EXPECT_OK(task->End());
}

TEST_F(BatchSchedulerTest, DrainFinishesWhatRunsAndWhatWaits) {
  const auto scheduler = Make(1);
  Blocker blocker;
  const auto running = blocker.Start(*scheduler);
  const auto waiting = Task();
  scheduler->Submit({waiting});
  std::thread drain([&] { scheduler->Drain(In(seconds(60))); });
  blocker.Release();
  drain.join();
  EXPECT_OK(running->End());
  EXPECT_OK(waiting->End());

  const auto late = Task();
  scheduler->Submit({late});
  EXPECT_THAT(late->End(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("shutting down")));
}

TEST_F(BatchSchedulerTest, DrainTakesWhatContinuesARequest) {
  const auto scheduler = Make(1);
  const auto continuing = [&] {
    beak::Task::Properties properties;
    properties.continues = true;
    return std::make_shared<FakeTask>(quick_, properties);
  };
  const auto next = continuing();
  std::promise<void> running;
  const auto workload = std::make_shared<FakeWorkload>(QueueOptions{"first", 1}, MakeCurve({{1, 0.001}}),
                                                       [&](const auto&, const BatchRun&) {
                                                         running.set_value();
                                                         // The only lane is here: what is not refused at once waits.
                                                         while (true) {
                                                           const auto probe = Task();
                                                           scheduler->Submit({probe});
                                                           if (probe->refusal == Refusal::kShutdown) break;
                                                           scheduler->Cancel(*probe);
                                                         }
                                                         scheduler->Submit({next});
                                                       });
  const auto first = Task(workload);
  scheduler->Submit({first});
  running.get_future().wait();
  scheduler->Drain(In(seconds(60)));
  EXPECT_OK(first->End());
  EXPECT_OK(next->End());

  const auto late = continuing();
  scheduler->Submit({late});
  EXPECT_THAT(late->End(), StatusIs(absl::StatusCode::kUnavailable)) << "nothing runs any more";
}

TEST_F(BatchSchedulerTest, DrainRefusesAndCancelsWhatTakesTooLong) {
  const auto scheduler = Make(1);
  Stubborn stubborn;
  const auto running = stubborn.Start(*scheduler);
  const auto waiting = Task();
  scheduler->Submit({waiting});
  scheduler->Drain(clock_.Now());
  EXPECT_OK(running->End());
  EXPECT_THAT(waiting->End(), StatusIs(absl::StatusCode::kUnavailable));
}

// Many clients submit, cancel and set deadlines at once; each task must end exactly once (a second end would throw).
TEST_F(BatchSchedulerTest, EveryTaskEndsExactlyOnce) {
  constexpr int kClients = 4, kTasks = 500;
  const auto scheduler = Make(2, 32);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < kTasks; ++i) {
        const MonotonicTime deadline = i % 3 == 0 ? clock_.Now() + std::chrono::microseconds(200) : kNever;
        std::vector<std::shared_ptr<beak::Task>> parts;
        std::vector<std::shared_ptr<FakeTask>> tasks;
        for (int part = 0; part <= i % 3; ++part) {
          tasks.push_back(Task(deadline, 1 + part));
          parts.push_back(tasks.back());
        }
        scheduler->Submit(parts);
        if ((i + client) % 4 == 0) scheduler->Cancel(*tasks[0]);
        for (const auto& task : tasks) task->End().IgnoreError();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_rows 0"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_bytes 0"));
}

TEST_F(BatchSchedulerTest, TheEndComesUnderLoad) {
  auto scheduler = Make(2);
  std::vector<std::shared_ptr<FakeTask>> tasks;
  for (int i = 0; i < 50; ++i) {
    tasks.push_back(Task());
    scheduler->Submit({tasks.back()});
  }
  scheduler.reset();
  for (const auto& task : tasks) task->End().IgnoreError();  // a task without an end would hang here
}

TEST_F(BatchSchedulerTest, TellsHowManyCoresLanesUseBeforeTheyRun) {
  std::vector<int> told;
  std::mutex mutex;
  const auto tell = [&](int cores) {
    std::lock_guard lock(mutex);
    told.push_back(cores);
  };
  const auto now = [&] {
    std::lock_guard lock(mutex);
    return told;
  };
  BatchScheduler scheduler(BatchScheduler::Options{2, 100, int64_t{1} << 30}, clock_, metrics_, tell);
  EXPECT_THAT(now(), IsEmpty());
  Blocker first, second;
  const auto one = first.Start(scheduler);
  EXPECT_THAT(now(), ElementsAre(1));
  const auto two = second.Start(scheduler);
  EXPECT_THAT(now(), ElementsAre(1, 2));
  first.Release();
  second.Release();
  scheduler.Drain(In(seconds(60)));
  EXPECT_THAT(now(), ElementsAre(1, 2, 1, 0)) << "each change once, the last before the drain is over";
}

}  // namespace
}  // namespace beak
