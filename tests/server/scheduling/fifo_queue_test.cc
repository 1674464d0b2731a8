#include "server/scheduling/fifo_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using std::chrono::milliseconds;

class NamedTask final : public Task {
 public:
  NamedTask(std::string name, int64_t rows, MonotonicTime deadline) : Task(rows, deadline), name_(std::move(name)) {}
  void Run(int) override {}
  void Refuse(absl::Status) override {}
  const std::string& name() const { return name_; }

 private:
  const std::string name_;
};

std::string NameOf(const std::shared_ptr<Task>& task) {
  return task ? static_cast<const NamedTask&>(*task).name() : "none";
}

std::vector<std::string> NamesOf(const std::vector<std::shared_ptr<Task>>& tasks) {
  std::vector<std::string> names;
  for (const auto& task : tasks) names.push_back(NameOf(task));
  return names;
}

class FifoQueueTest : public ::testing::Test {
 protected:
  std::shared_ptr<Task> Make(const std::string& name, int64_t rows = 1, milliseconds deadline = milliseconds::max()) {
    return std::make_shared<NamedTask>(name, rows, deadline == milliseconds::max() ? kNever : clock_.Now() + deadline);
  }
  void Push(const std::string& name, int64_t rows = 1, milliseconds deadline = milliseconds::max()) {
    ASSERT_TRUE(queue_.Push(Make(name, rows, deadline))) << name;
  }

  testing::FakeClock clock_;
  FifoQueue queue_{10};
};

TEST_F(FifoQueueTest, AnEmptyQueueDecidesNothing) {
  const FifoDecision decision = queue_.Next(clock_.Now());
  EXPECT_EQ(decision.run, nullptr);
  EXPECT_THAT(decision.expired, IsEmpty());
  EXPECT_EQ(queue_.next_deadline(), kNever);
}

TEST_F(FifoQueueTest, FirstComeFirstServedWhateverTheDeadlines) {
  Push("a");
  Push("b", 1, milliseconds(5));
  Push("c", 1, milliseconds(1));
  EXPECT_EQ(NameOf(queue_.Next(clock_.Now()).run), "a");
  EXPECT_EQ(NameOf(queue_.Next(clock_.Now()).run), "b");
  EXPECT_EQ(NameOf(queue_.Next(clock_.Now()).run), "c");
  EXPECT_TRUE(queue_.empty());
}

TEST_F(FifoQueueTest, TheLimitCountsRows) {
  Push("a", 6);
  Push("b", 4);
  EXPECT_FALSE(queue_.Push(Make("c")));
  EXPECT_EQ(queue_.rows(), 10);
  queue_.Next(clock_.Now());
  EXPECT_FALSE(queue_.Push(Make("d", 7)));
  EXPECT_TRUE(queue_.Push(Make("e", 6)));
}

TEST_F(FifoQueueTest, ATaskLargerThanTheQueueFitsIntoAnEmptyOne) {
  Push("giant", 1000);
  EXPECT_FALSE(queue_.Push(Make("b")));
  EXPECT_EQ(NameOf(queue_.Next(clock_.Now()).run), "giant");
  EXPECT_EQ(queue_.rows(), 0);
}

TEST_F(FifoQueueTest, ExpiredTasksAreNeverChosen) {
  Push("a", 1, milliseconds(2));
  Push("b");
  Push("c", 1, milliseconds(1));
  clock_.Advance(milliseconds(2));
  const FifoDecision decision = queue_.Next(clock_.Now());
  EXPECT_EQ(NameOf(decision.run), "b");
  EXPECT_THAT(NamesOf(decision.expired), ElementsAre("c", "a")) << "earliest deadline first";
}

TEST_F(FifoQueueTest, ADeadlineIsOverAtItsVeryInstant) {
  Push("a", 1, milliseconds(1));
  EXPECT_THAT(queue_.TakeExpired(queue_.next_deadline() - std::chrono::nanoseconds(1)), IsEmpty());
  EXPECT_THAT(NamesOf(queue_.TakeExpired(queue_.next_deadline())), ElementsAre("a"));
}

TEST_F(FifoQueueTest, TheNextDeadlineIsTheEarliestThatWaits) {
  Push("a", 1, milliseconds(7));
  Push("b", 1, milliseconds(3));
  EXPECT_EQ(queue_.next_deadline(), clock_.Now() + milliseconds(3));
  queue_.TakeExpired(clock_.Now() + milliseconds(3));
  EXPECT_EQ(queue_.next_deadline(), clock_.Now() + milliseconds(7));
}

TEST_F(FifoQueueTest, ATaskCanBeTakenOutFromTheMiddle) {
  const auto b = Make("b", 2, milliseconds(1));
  Push("a");
  ASSERT_TRUE(queue_.Push(b));
  Push("c");
  EXPECT_EQ(queue_.Take(*b), b);
  EXPECT_EQ(queue_.Take(*b), nullptr) << "it has gone";
  EXPECT_EQ(queue_.rows(), 2);
  EXPECT_EQ(queue_.next_deadline(), kNever);
  EXPECT_THAT(NamesOf(queue_.TakeAll()), ElementsAre("a", "c"));
}

// Whatever happens, every task leaves exactly once and none runs after its deadline.
TEST_F(FifoQueueTest, RandomArrivalsAreConserved) {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    FifoQueue queue(20);
    int arrived = 0, refused = 0, left = 0;
    std::vector<std::shared_ptr<Task>> known;
    for (int step = 0; step < 500; ++step) {
      clock_.Advance(milliseconds(random() % 3));
      switch (random() % 4) {
        case 0:
        case 1: {
          ++arrived;
          auto task = Make("t", 1 + random() % 4, random() % 2 ? milliseconds(1 + random() % 9) : milliseconds::max());
          known.push_back(task);
          if (!queue.Push(std::move(task))) ++refused;
          break;
        }
        case 2: {
          const FifoDecision decision = queue.Next(clock_.Now());
          left += (decision.run ? 1 : 0) + static_cast<int>(decision.expired.size());
          if (decision.run) {
            ASSERT_LT(clock_.Now(), decision.run->deadline()) << "seed " << seed;
          }
          break;
        }
        default:
          if (!known.empty() && queue.Take(*known[random() % known.size()])) ++left;
      }
    }
    left += static_cast<int>(queue.TakeAll().size());
    EXPECT_EQ(arrived, refused + left) << "seed " << seed;
    EXPECT_EQ(queue.rows(), 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace beak
