#include "server/scheduling/task_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/support/fake_workload.h"
#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::FakeTask;
using testing::FakeWorkload;
using ::testing::IsEmpty;
using testing::MakeCurve;
using ::testing::Pair;

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kNone = milliseconds::max();

class TaskQueueTest : public ::testing::Test {
 protected:
  void Use(QueueOptions options, CostCurve curve = MakeCurve({{1, 2}, {4, 6}})) {
    workload_ = std::make_shared<FakeWorkload>(std::move(options), std::move(curve));
    queue_ = std::make_unique<TaskQueue>(workload_, 0);
  }
  TaskQueueTest() { Use({}); }

  std::shared_ptr<FakeTask> Push(const std::string& name, milliseconds deadline = kNone, int64_t rows = 1) {
    const Task::Properties properties{rows, 10 * rows, clock_.Now(),
                                      deadline == kNone ? kNever : clock_.Now() + deadline, 0};
    auto task = std::make_shared<FakeTask>(workload_, properties);
    task->name = name;
    queue_->Push(task);
    return task;
  }
  static std::string NameOf(const std::shared_ptr<Task>& task) { return static_cast<FakeTask&>(*task).name; }
  std::vector<std::string> Order() const {
    std::vector<std::string> names;
    for (const auto& [key, waiting] : queue_->waiting()) names.push_back(NameOf(waiting.task));
    return names;
  }
  std::vector<std::pair<std::string, Refusal>> Hopeless(int cores = 1) {
    std::vector<std::pair<std::string, Refusal>> names;
    for (const auto& [task, reason] : queue_->TakeHopeless(clock_.Now(), cores))
      names.emplace_back(NameOf(task), reason);
    return names;
  }

  testing::FakeClock clock_;
  std::shared_ptr<FakeWorkload> workload_;
  std::unique_ptr<TaskQueue> queue_;
};

TEST_F(TaskQueueTest, EarliestDeadlineFirstThenArrival) {
  Push("late", milliseconds(50));
  Push("a", milliseconds(20));
  Push("b", milliseconds(20));
  Push("first", milliseconds(10));
  EXPECT_THAT(Order(), ElementsAre("first", "a", "b", "late"));
  EXPECT_EQ(queue_->rows(), 4);
  EXPECT_EQ(queue_->bytes(), 40);
}

TEST_F(TaskQueueTest, TasksWithoutADeadlineAreDueAtTheObjective) {
  QueueOptions options;
  options.objective = milliseconds(30);
  Use(options);
  Push("patient");
  Push("a", milliseconds(20));
  Push("b", milliseconds(40));
  EXPECT_THAT(Order(), ElementsAre("a", "patient", "b"));
}

TEST_F(TaskQueueTest, WithoutAnObjectiveThatIsLongAfterDeadlines) {
  Push("patient");
  Push("hurried", milliseconds(900));
  EXPECT_THAT(Order(), ElementsAre("hurried", "patient"));
  clock_.Advance(milliseconds(500));
  Push("later", milliseconds(900));
  EXPECT_THAT(Order(), ElementsAre("hurried", "patient", "later")) << "but it does not wait for ever";
}

TEST_F(TaskQueueTest, ATaskIsHopelessWhenItCannotBeFinishedInTime) {
  Push("a", milliseconds(10));
  const MonotonicTime latest = clock_.Now() + milliseconds(8);  // it takes 2
  EXPECT_EQ(queue_->next_check(), latest);
  clock_.Set(latest - nanoseconds(1));
  EXPECT_THAT(Hopeless(), IsEmpty());
  clock_.Set(latest);
  EXPECT_THAT(Hopeless(), ElementsAre(Pair("a", Refusal::kHopeless)));
  EXPECT_EQ(queue_->next_check(), kNever);
  EXPECT_EQ(queue_->rows(), 0);
}

TEST_F(TaskQueueTest, MoreRowsAreHopelessEarlier) {
  Push("one", milliseconds(10), 1);
  Push("four", milliseconds(11), 4);  // takes 6: must begin 5 from now, before the other's 8
  clock_.Advance(milliseconds(5));
  EXPECT_THAT(Hopeless(), ElementsAre(Pair("four", Refusal::kHopeless)));
}

TEST_F(TaskQueueTest, SeveralCoresGiveHope) {
  Use({}, MakeCurve({{1, 8}}, {{1, 5}}));
  Push("a", milliseconds(10));
  clock_.Advance(milliseconds(3));
  EXPECT_THAT(Hopeless(2), IsEmpty());
  EXPECT_THAT(Hopeless(1), ElementsAre(Pair("a", Refusal::kHopeless)));
}

TEST_F(TaskQueueTest, AFallInCostsGivesHopeARiseTakesIt) {
  Push("a", milliseconds(10));
  workload_->SetCosts(MakeCurve({{1, 1}}));
  clock_.Advance(milliseconds(8));
  EXPECT_THAT(Hopeless(), IsEmpty());
  EXPECT_EQ(queue_->next_check(), clock_.Now() + milliseconds(1));
  Push("b", milliseconds(10));
  workload_->SetCosts(MakeCurve({{1, 20}}));
  EXPECT_THAT(Hopeless(), ElementsAre(Pair("a", Refusal::kHopeless), Pair("b", Refusal::kHopeless)));
}

TEST_F(TaskQueueTest, WithUnknownCostsTheDeadlineItselfCounts) {
  Use({}, CostCurve());
  Push("a", milliseconds(10));
  clock_.Advance(milliseconds(10));
  EXPECT_THAT(Hopeless(), ElementsAre(Pair("a", Refusal::kExpired)));
}

TEST_F(TaskQueueTest, ATimeoutRejects) {
  QueueOptions options;
  options.default_policy.timeout = milliseconds(5);
  Use(options);
  Push("a");
  clock_.Advance(milliseconds(4));
  Push("b");
  EXPECT_THAT(Hopeless(), IsEmpty());
  clock_.Advance(milliseconds(1));
  EXPECT_THAT(Hopeless(), ElementsAre(Pair("a", Refusal::kQueueTimeout)));
  EXPECT_EQ(queue_->next_check(), clock_.Now() + milliseconds(4));
}

TEST_F(TaskQueueTest, OrATimeoutPutsBehindAllOthers) {
  QueueOptions options;
  options.default_policy = {QueuePolicy::TimeoutAction::kDelay, milliseconds(5), 0};
  Use(options);
  Push("a", milliseconds(20));
  Push("b", milliseconds(30));
  clock_.Advance(milliseconds(5));
  Push("c", milliseconds(100));
  EXPECT_THAT(Hopeless(), IsEmpty());
  EXPECT_THAT(Order(), ElementsAre("c", "a", "b"));
  EXPECT_EQ(queue_->next_check(), clock_.Now() + milliseconds(5)) << "the timeout of c";
  clock_.Advance(milliseconds(13));
  EXPECT_THAT(Hopeless(), ElementsAre(Pair("a", Refusal::kHopeless))) << "deadlines still count";
  EXPECT_THAT(Order(), ElementsAre("b", "c"));
}

TEST_F(TaskQueueTest, ATaskCanBeTakenOutFromTheMiddle) {
  Push("a", milliseconds(10));
  const auto b = Push("b", milliseconds(20), 3);
  Push("c", milliseconds(30));
  EXPECT_EQ(queue_->Take(*b), b);
  EXPECT_EQ(queue_->Take(*b), nullptr) << "it has gone";
  EXPECT_EQ(queue_->rows(), 2);
  EXPECT_THAT(Order(), ElementsAre("a", "c"));
  EXPECT_EQ(NameOf(queue_->TakeFront(1)[0]), "a");
  EXPECT_EQ(queue_->TakeAll().size(), 1u);
  EXPECT_TRUE(queue_->empty());
  EXPECT_EQ(queue_->bytes(), 0);
}

}  // namespace
}  // namespace beak
