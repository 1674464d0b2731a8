#include "server/scheduling/fifo_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

using std::chrono::milliseconds;
using std::chrono::seconds;

// Tells by a future how it ended: OK means that it ran.
class TestTask final : public Task {
 public:
  explicit TestTask(MonotonicTime deadline = kNever, std::function<void(TestTask&)> body = {}, int64_t rows = 1)
      : Task(rows, deadline), body_(std::move(body)) {}

  void Run(int) override {
    if (body_) body_(*this);
    end_.set_value(absl::OkStatus());
  }
  void Refuse(absl::Status why) override { end_.set_value(std::move(why)); }

  absl::Status End() { return end_.get_future().get(); }

 private:
  const std::function<void(TestTask&)> body_;
  std::promise<absl::Status> end_;
};

// Keeps a lane busy until it is told to let go.
class Blocker {
 public:
  std::shared_ptr<TestTask> task() { return task_; }
  void AwaitRunning() { running_.get_future().wait(); }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> running_;
  std::promise<void> release_;
  // The task may outlive its Blocker by a moment: after `running_` it only touches a future of its own.
  const std::shared_ptr<TestTask> task_ =
      std::make_shared<TestTask>(kNever, [this, released = release_.get_future().share()](TestTask&) {
        running_.set_value();
        released.wait();
      });
};

class FifoSchedulerTest : public ::testing::Test {
 protected:
  std::unique_ptr<FifoScheduler> Make(int lanes, int64_t rows = 100) {
    return std::make_unique<FifoScheduler>(FifoScheduler::Options{lanes, rows}, clock_, metrics_);
  }
  MonotonicTime In(milliseconds delay) const { return clock_.Now() + delay; }

  const Clock& clock_ = Clock::Real();
  Metrics metrics_{"test"};
};

TEST_F(FifoSchedulerTest, RunsWhatIsSubmitted) {
  const auto scheduler = Make(2);
  const auto task = std::make_shared<TestTask>();
  scheduler->Submit(task);
  EXPECT_OK(task->End());
}

TEST_F(FifoSchedulerTest, LanesRunSideBySide) {
  const auto scheduler = Make(2);
  Blocker first, second;
  scheduler->Submit(first.task());
  scheduler->Submit(second.task());
  first.AwaitRunning();
  second.AwaitRunning();
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_lanes_busy 2"));
  first.Release();
  second.Release();
  EXPECT_OK(first.task()->End());
  EXPECT_OK(second.task()->End());
}

TEST_F(FifoSchedulerTest, AFullQueueRefusesAtOnce) {
  const auto scheduler = Make(1, 2);
  Blocker blocker;
  scheduler->Submit(blocker.task());
  blocker.AwaitRunning();
  const auto fits = std::make_shared<TestTask>(kNever, nullptr, 2);
  const auto excess = std::make_shared<TestTask>();
  scheduler->Submit(fits);
  scheduler->Submit(excess);
  EXPECT_THAT(excess->End(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("queue is full")));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_rows 2"));
  blocker.Release();
  EXPECT_OK(fits->End());
}

TEST_F(FifoSchedulerTest, AnExpiredTaskIsRefusedWhileAllLanesAreBusy) {
  const auto scheduler = Make(1);
  Blocker blocker;
  scheduler->Submit(blocker.task());
  blocker.AwaitRunning();
  const auto behind = std::make_shared<TestTask>();
  const auto expiring = std::make_shared<TestTask>(In(milliseconds(10)));
  scheduler->Submit(behind);
  scheduler->Submit(expiring);
  EXPECT_THAT(expiring->End(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_GE(clock_.Now(), expiring->deadline());
  blocker.Release();
  EXPECT_OK(behind->End());
}

TEST_F(FifoSchedulerTest, AnEarlierDeadlineMovesTheTimerForward) {
  const auto scheduler = Make(1);
  Blocker blocker;
  scheduler->Submit(blocker.task());
  blocker.AwaitRunning();
  const auto patient = std::make_shared<TestTask>(In(std::chrono::hours(1)));
  const auto hurried = std::make_shared<TestTask>(In(milliseconds(5)));
  scheduler->Submit(patient);
  scheduler->Submit(hurried);
  EXPECT_THAT(hurried->End(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  blocker.Release();
  EXPECT_OK(patient->End());
}

TEST_F(FifoSchedulerTest, ATaskThatIsLateOnArrivalIsRefused) {
  const auto scheduler = Make(1);
  const auto task = std::make_shared<TestTask>(clock_.Now());
  scheduler->Submit(task);
  EXPECT_THAT(task->End(), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(FifoSchedulerTest, ACancelledTaskIsAnsweredBeforeCancelReturns) {
  const auto scheduler = Make(1);
  Blocker blocker;
  scheduler->Submit(blocker.task());
  blocker.AwaitRunning();
  const auto waiting = std::make_shared<TestTask>();
  scheduler->Submit(waiting);
  scheduler->Cancel(*waiting);
  EXPECT_THAT(waiting->End(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_rows 0"));
  blocker.Release();
}

TEST_F(FifoSchedulerTest, CancelBeforeSubmitCounts) {
  const auto scheduler = Make(1);
  const auto task = std::make_shared<TestTask>();
  scheduler->Cancel(*task);
  scheduler->Submit(task);
  EXPECT_THAT(task->End(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(FifoSchedulerTest, ARunningTaskIsToldThatItIsCancelled) {
  const auto scheduler = Make(1);
  std::promise<void> running;
  const auto task = std::make_shared<TestTask>(kNever, [&](TestTask& self) {
    running.set_value();
    while (!self.cancelled()) std::this_thread::yield();
  });
  scheduler->Submit(task);
  running.get_future().wait();
  scheduler->Cancel(*task);
  EXPECT_OK(task->End());
}

TEST_F(FifoSchedulerTest, DrainFinishesWhatRunsAndWhatWaits) {
  const auto scheduler = Make(1);
  Blocker blocker;
  scheduler->Submit(blocker.task());
  blocker.AwaitRunning();
  const auto waiting = std::make_shared<TestTask>();
  scheduler->Submit(waiting);
  std::thread drain([&] { scheduler->Drain(In(seconds(60))); });
  blocker.Release();
  drain.join();
  EXPECT_OK(blocker.task()->End());
  EXPECT_OK(waiting->End());

  const auto late = std::make_shared<TestTask>();
  scheduler->Submit(late);
  EXPECT_THAT(late->End(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("shutting down")));
}

TEST_F(FifoSchedulerTest, DrainRefusesAndCancelsWhatTakesTooLong) {
  const auto scheduler = Make(1);
  std::promise<void> running;
  const auto stubborn = std::make_shared<TestTask>(kNever, [&](TestTask& self) {
    running.set_value();
    while (!self.cancelled()) std::this_thread::yield();
  });
  scheduler->Submit(stubborn);
  running.get_future().wait();
  const auto waiting = std::make_shared<TestTask>();
  scheduler->Submit(waiting);
  scheduler->Drain(clock_.Now());
  EXPECT_OK(stubborn->End());
  EXPECT_THAT(waiting->End(), StatusIs(absl::StatusCode::kUnavailable));
}

// Many clients submit, cancel and set deadlines at once; each task must end exactly once (a second end would throw).
TEST_F(FifoSchedulerTest, EveryTaskEndsExactlyOnce) {
  constexpr int kClients = 4, kTasks = 500;
  const auto scheduler = Make(2, 32);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < kTasks; ++i) {
        const MonotonicTime deadline = i % 3 == 0 ? clock_.Now() + std::chrono::microseconds(20) : kNever;
        const auto task = std::make_shared<TestTask>(deadline);
        scheduler->Submit(task);
        if ((i + client) % 4 == 0) scheduler->Cancel(*task);
        task->End().IgnoreError();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_queue_rows 0"));
}

TEST_F(FifoSchedulerTest, TheEndComesUnderLoad) {
  auto scheduler = Make(2);
  std::vector<std::shared_ptr<TestTask>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(std::make_shared<TestTask>());
  for (const auto& task : tasks) scheduler->Submit(task);
  scheduler.reset();
  for (const auto& task : tasks) task->End().IgnoreError();  // a task without an end would hang here
}

}  // namespace
}  // namespace beak
