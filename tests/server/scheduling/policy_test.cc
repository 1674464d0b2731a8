#include "server/scheduling/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <string>

#include "tests/server/support/fake_workload.h"
#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::FakeTask;
using testing::FakeWorkload;
using testing::MakeCurve;

using std::chrono::milliseconds;

constexpr int kNone = -1;  // no deadline

QueueOptions Options(const std::string& model, int64_t max_batch_rows = 64) {
  QueueOptions options;
  options.model = model;
  options.max_batch_rows = max_batch_rows;
  return options;
}

// A waiting task: its deadline in milliseconds from now, its rows.
struct Waits {
  int deadline_ms = kNone;
  int64_t rows = 1;
  int waited_ms = 0;
};

// Queues as one writes them down: who waits in each, what a run costs, what its model has had.
class Snapshot {
 public:
  explicit Snapshot(MonotonicTime now) : now_(now) {}

  Snapshot& Queue(const QueueOptions& options, const CostCurve& curve, const std::vector<Waits>& waits,
                  double service = 0, uint64_t level = 0) {
    const auto workload = std::make_shared<FakeWorkload>(options, curve);
    queues_.emplace_back(workload, level);
    for (const Waits& wait : waits) {
      const MonotonicTime arrived = now_ - milliseconds(wait.waited_ms);
      const MonotonicTime deadline = wait.deadline_ms == kNone ? kNever : now_ + milliseconds(wait.deadline_ms);
      queues_.back().Push(
          std::make_shared<FakeTask>(workload, Task::Properties{wait.rows, 0, arrived, deadline, level}));
    }
    services_.push_back(service);
    return *this;
  }
  std::vector<QueueState> states() const {
    std::vector<QueueState> states;
    auto service = services_.begin();
    for (const TaskQueue& queue : queues_) states.push_back({&queue, queue.workload().costs(), *service++});
    return states;
  }

  // Which queue, counted from 0; -1 for none.
  int Chosen(const Decision& decision) const {
    int index = 0;
    for (const TaskQueue& queue : queues_) {
      if (&queue == decision.queue) return index;
      ++index;
    }
    return -1;
  }

 private:
  const MonotonicTime now_;
  std::list<TaskQueue> queues_;
  std::vector<double> services_;
};

class PolicyTest : public ::testing::Test {
 protected:
  Snapshot New() const { return Snapshot(now_); }
  Decision Decide(const Snapshot& snapshot, const LaneState& lanes = {1, 1}) const {
    return beak::Decide(snapshot.states(), lanes, now_);
  }
  int Choose(const Snapshot& snapshot) const { return snapshot.Chosen(Decide(snapshot)); }

  const MonotonicTime now_ = testing::FakeClock().Now();
};

// ---------------------------------------------------------------- which queue

TEST_F(PolicyTest, NothingWaitsNothingRuns) { EXPECT_EQ(Decide(New()).queue, nullptr); }

TEST_F(PolicyTest, WhoMustStartFirstGoesFirst) {
  const CostCurve quick = MakeCurve({{1, 1}});
  const CostCurve slow = MakeCurve({{1, 30}});
  EXPECT_EQ(Choose(New().Queue(Options("a"), quick, {{50}}).Queue(Options("b"), quick, {{40}})), 1);
  EXPECT_EQ(Choose(New().Queue(Options("a"), slow, {{50}}).Queue(Options("b"), quick, {{40}})), 0)
      << "20 ms are left to start it, 39 for the other";
}

TEST_F(PolicyTest, DeadlinesGoBeforePatience) {
  const CostCurve curve = MakeCurve({{1, 1}});
  EXPECT_EQ(Choose(New().Queue(Options("a"), curve, {{kNone}}).Queue(Options("b"), curve, {{500}}, 100)), 1)
      << "whatever it has had";
}

TEST_F(PolicyTest, PatientModelsShareByWhatTheyHaveHad) {
  const CostCurve curve = MakeCurve({{1, 1}});
  const auto snapshot = [&](double a, double b) {
    return New().Queue(Options("a"), curve, {{kNone, 1, 90}}, a).Queue(Options("b"), curve, {{kNone}}, b);
  };
  EXPECT_EQ(Choose(snapshot(1, 1)), 0) << "first come, first served among equals";
  EXPECT_EQ(Choose(snapshot(1.001, 1)), 1);
}

TEST_F(PolicyTest, ObjectivesOrderPatientModelsWithinTheirShares) {
  const CostCurve curve = MakeCurve({{1, 1}});
  const auto with_objective = [](const std::string& model, int objective_ms) {
    QueueOptions options = Options(model);
    options.objective = milliseconds(objective_ms);
    return options;
  };
  const struct {
    const char* name;
    int a_objective_ms, b_objective_ms;
    int a_waited_ms;
    double b_service;  // a has had 1
    int expected;
  } cases[] = {
      {"the sooner due, though it has had more", 500, 50, 0, 1.01, 1},
      {"it has waited for so long that it is due first", 500, 50, 460, 1.01, 0},
      {"the share goes before the objective", 500, 50, 0, 1.03, 0},
      {"nor has the sooner due one been behind", 500, 50, 0, 0.9, 1},
      {"one objective alone orders nothing", 0, 50, 0, 1.01, 0},
      {"nor does the other", 50, 0, 0, 0.99, 1},
  };
  for (const auto& c : cases) {
    const Snapshot snapshot = New()
                                  .Queue(with_objective("a", c.a_objective_ms), curve, {{kNone, 1, c.a_waited_ms}}, 1)
                                  .Queue(with_objective("b", c.b_objective_ms), curve, {{kNone}}, c.b_service);
    EXPECT_EQ(Choose(snapshot), c.expected) << c.name;
  }
  const Snapshot snapshot =
      New().Queue(with_objective("a", 5), curve, {{kNone}}, 1).Queue(with_objective("b", 500), curve, {{40}}, 1.5);
  EXPECT_EQ(Choose(snapshot), 0) << "an objective that ends before a deadline goes first";
}

TEST_F(PolicyTest, LateModelsShareToo) {
  const CostCurve curve = MakeCurve({{1, 10}});
  const auto snapshot = [&](int b_deadline, double a, double b) {
    return New().Queue(Options("a"), curve, {{11}}, a).Queue(Options("b"), curve, {{b_deadline}}, b);
  };
  EXPECT_EQ(Choose(snapshot(15, 1, 1)), 0);
  EXPECT_EQ(Choose(snapshot(15, 1.5, 1)), 1) << "it would be late after the first, and has had less";
  EXPECT_EQ(Choose(snapshot(15, 1.01, 1)), 0) << "small differences do not break the order";
  EXPECT_EQ(Choose(snapshot(100, 1.5, 1)), 0) << "it can wait";
}

TEST_F(PolicyTest, NobodyStarvesBehindDeadlines) {
  const CostCurve curve = MakeCurve({{1, 10}});
  // A model whose requests always are about to be late, and one that has waited for seconds without a deadline.
  const Snapshot snapshot =
      New().Queue(Options("busy"), curve, {{11}}, 5).Queue(Options("patient"), curve, {{kNone, 1, 3000}}, 4);
  EXPECT_EQ(Choose(snapshot), 1);
}

TEST_F(PolicyTest, PrioritiesOfOneModelAreStrict) {
  const CostCurve curve = MakeCurve({{1, 1}});
  EXPECT_EQ(Choose(New().Queue(Options("a"), curve, {{5}}, 0, 2).Queue(Options("a"), curve, {{500}}, 0, 1)), 1);
  EXPECT_EQ(Choose(New().Queue(Options("a"), curve, {{5}}, 0, 2).Queue(Options("b"), curve, {{500}}, 0, 1)), 0)
      << "those of different models say nothing to each other";
}

TEST_F(PolicyTest, WhatHasNoProgramsYetWaits) {
  const CostCurve curve = MakeCurve({{1, 1}});
  EXPECT_EQ(Choose(New().Queue(Options("new"), CostCurve(), {{5}}).Queue(Options("b"), curve, {{kNone}})), 1);
  EXPECT_EQ(Choose(New().Queue(Options("new"), CostCurve(), {{5}})), -1);
}

// ---------------------------------------------------------------- how large a batch

struct BatchCase {
  const char* name;
  std::vector<std::pair<int64_t, double>> costs;  // rows, milliseconds
  std::vector<Waits> waits;
  int64_t expected_rows;
  int64_t expected_program;
};

TEST_F(PolicyTest, TheSmallestBatchThatIsAboutTheCheapest) {
  const std::vector<Waits> eight(8);
  const std::vector<Waits> three(3);
  const std::vector<BatchCase> cases = {
      {"no gain: one row", {{1, 1}, {2, 2}, {4, 4}, {8, 8}}, eight, 1, 1},
      {"a gain of 1 % is none", {{1, 1}, {2, 1.98}, {4, 3.96}}, eight, 1, 1},
      {"a gain of 10 % is one", {{1, 1}, {2, 1.8}, {4, 3.6}}, eight, 2, 2},
      {"the larger the better", {{1, 1}, {2, 1.2}, {4, 1.6}, {8, 2.4}}, eight, 8, 8},
      {"as many as there are", {{1, 1}, {2, 1.2}, {4, 1.6}, {8, 2.4}}, {{}}, 1, 1},
      {"a row is left unused", {{1, 1}, {2, 1.2}, {4, 1.4}}, three, 3, 4},
      {"rather than that: two", {{1, 1}, {2, 1.2}, {4, 2.4}}, three, 2, 2},
      {"whole requests only", {{1, 1}, {2, 1.2}, {4, 1.6}}, {{kNone, 3}, {kNone, 3}}, 3, 4},
      {"rows count, not requests", {{1, 1}, {2, 1.2}, {4, 1.6}}, {{kNone, 2}, {kNone, 2}, {kNone, 2}}, 4, 4},
  };
  for (const BatchCase& c : cases) {
    const Decision decision = Decide(New().Queue(Options("a"), MakeCurve(c.costs), c.waits));
    EXPECT_EQ(decision.rows, c.expected_rows) << c.name;
    EXPECT_EQ(decision.cost.rows, c.expected_program) << c.name;
  }
}

TEST_F(PolicyTest, NoMemberIsLateForTheOthersSake) {
  const CostCurve curve = MakeCurve({{1, 10}, {2, 12}, {4, 16}, {8, 24}});
  const auto rows = [&](int deadline_ms) {
    std::vector<Waits> waits(7);
    waits.push_back({deadline_ms});
    return Decide(New().Queue(Options("a"), curve, waits)).rows;
  };
  EXPECT_EQ(rows(24), 8);
  EXPECT_EQ(rows(23), 4);
  EXPECT_EQ(rows(15), 2);
  EXPECT_EQ(rows(11), 1);
  EXPECT_EQ(rows(9), 1) << "late in any case: alone at least";
}

TEST_F(PolicyTest, TheModelsLimitHolds) {
  const CostCurve curve = MakeCurve({{1, 1}, {2, 1.1}, {4, 1.2}, {8, 1.3}});
  EXPECT_EQ(Decide(New().Queue(Options("a", 4), curve, std::vector<Waits>(8))).rows, 4);
}

TEST_F(PolicyTest, FreeLanesShareWhatWaits) {
  const CostCurve curve = MakeCurve({{1, 1}, {2, 1.2}, {4, 1.6}, {8, 2.4}});
  const Snapshot snapshot = New().Queue(Options("a"), curve, std::vector<Waits>(8));
  EXPECT_EQ(Decide(snapshot, {2, 2}).rows, 4);
  EXPECT_EQ(Decide(snapshot, {2, 1}).rows, 8);
}

TEST_F(PolicyTest, WhoWouldProbablyBeLateMakesRoomForWhoWouldNot) {
  const CostCurve curve = MakeCurve({{1, 10}}, {}, 2, 1.5);
  const auto decide = [&](const std::vector<Waits>& waits) { return Decide(New().Queue(Options("a"), curve, waits)); };
  const Decision overload = decide({{11}, {14}, {16}, {30}});
  EXPECT_EQ(overload.shed, 2u);
  EXPECT_EQ(overload.tasks, 1u);
  EXPECT_EQ(decide({{11}, {14}}).shed, 0u) << "there is no better one: it is tried";
  EXPECT_EQ(decide({{11}, {14}}).tasks, 1u);
  EXPECT_EQ(decide({{15}, {30}}).shed, 0u) << "it is in time";
  EXPECT_EQ(decide({{11}, {kNone}}).shed, 0u) << "whoever has no deadline can wait";
}

// ---------------------------------------------------------------- several cores

TEST_F(PolicyTest, AnIdleMachineRunsOneRequestOnAllCores) {
  const CostCurve curve = MakeCurve({{1, 10}, {2, 20}}, {{1, 6}, {2, 11}});
  const Snapshot one = New().Queue(Options("a"), curve, {{}});
  EXPECT_EQ(Decide(one, {2, 2}).cost.threads, 2);
  EXPECT_EQ(Decide(one, {2, 1}).cost.threads, 1) << "the other lane is busy";
  const Snapshot two = New().Queue(Options("a"), curve, {{}, {}});
  EXPECT_EQ(Decide(two, {2, 2}).cost.threads, 1) << "side by side they are sooner done: 10 ms, not 11";
}

TEST_F(PolicyTest, SeveralCoresMustPay) {
  const Snapshot small = New().Queue(Options("a"), MakeCurve({{1, 1}}, {{1, 0.95}}), {{}});
  EXPECT_EQ(Decide(small, {2, 2}).cost.threads, 1);
  QueueOptions options = Options("a");
  options.max_cores = 1;
  const Snapshot limited = New().Queue(options, MakeCurve({{1, 10}}, {{1, 5}}), {{}});
  EXPECT_EQ(Decide(limited, {2, 2}).cost.threads, 1);
}

TEST_F(PolicyTest, SeveralCoresOnlyWhereNobodyElseWaits) {
  const CostCurve curve = MakeCurve({{1, 10}}, {{1, 5}});
  const Snapshot snapshot = New().Queue(Options("a"), curve, {{}}).Queue(Options("b"), curve, {{}});
  EXPECT_EQ(Decide(snapshot, {2, 2}).cost.threads, 1);
}

// ---------------------------------------------------------------- delays that models ask for

class DelayTest : public PolicyTest {
 protected:
  DelayTest() {
    options_.preferred_rows = {4, 8};
    options_.max_delay = milliseconds(10);
  }
  Decision With(const std::vector<Waits>& waits) const {
    return Decide(New().Queue(options_, MakeCurve({{1, 1}, {2, 2}, {4, 4}, {8, 8}}), waits));
  }
  QueueOptions options_ = Options("a", 8);
};

TEST_F(DelayTest, WaitsForAPreferredSizeAndNoLonger) {
  const Decision early = With({{kNone, 1, 3}, {kNone, 1, 1}});
  EXPECT_EQ(early.queue, nullptr);
  EXPECT_EQ(early.look_again, now_ + milliseconds(7)) << "the oldest has waited for 3";
  EXPECT_EQ(With({{kNone, 1, 10}, {kNone, 1, 1}}).rows, 2);
  EXPECT_EQ(With({{100, 1, 1}, {kNone, 1, 3}}).look_again, now_ + milliseconds(7)) << "though it is due later";
}

TEST_F(DelayTest, TheLargestPreferredSizeThatIsFilled) {
  EXPECT_EQ(With(std::vector<Waits>(4)).rows, 4);
  EXPECT_EQ(With(std::vector<Waits>(7)).rows, 4);
  EXPECT_EQ(With(std::vector<Waits>(9)).rows, 8);
}

TEST_F(DelayTest, NoLongerThanADeadlineAllows) {
  const Decision decision = With({{6}});
  EXPECT_EQ(decision.queue, nullptr);
  EXPECT_LT(decision.look_again, now_ + milliseconds(5));
  EXPECT_GT(decision.look_again, now_ + milliseconds(4));
  EXPECT_EQ(With({{1}}).rows, 1);
}

TEST_F(DelayTest, OthersGoOnMeanwhile) {
  const CostCurve curve = MakeCurve({{1, 1}});
  const CostCurve larger = MakeCurve({{1, 1}, {8, 2}});
  EXPECT_EQ(Choose(New().Queue(options_, larger, {{}}).Queue(Options("b"), curve, {{}})), 1);
}

TEST_F(DelayTest, WithoutPreferredSizesItWaitsForAFullBatch) {
  options_.preferred_rows = {};
  EXPECT_EQ(With(std::vector<Waits>(7)).queue, nullptr);
  EXPECT_NE(With(std::vector<Waits>(8)).queue, nullptr);
}

// ---------------------------------------------------------------- parts of a request

TEST(SplitRowsTest, IntoSizesThatThereAre) {
  const CostCurve linear = MakeCurve({{1, 1}, {2, 2}, {4, 4}, {8, 8}});
  const CostCurve flat = MakeCurve({{1, 1}, {2, 1.1}, {4, 1.2}, {8, 1.3}});
  EXPECT_THAT(SplitRows(1, 64, &linear), ElementsAre(1));
  EXPECT_THAT(SplitRows(5, 64, &linear), ElementsAre(4, 1));
  EXPECT_THAT(SplitRows(5, 64, &flat), ElementsAre(5)) << "as three rows of eight unused cost less than another run";
  EXPECT_THAT(SplitRows(21, 64, &linear), ElementsAre(8, 8, 4, 1));
  EXPECT_THAT(SplitRows(21, 4, &linear), ElementsAre(4, 4, 4, 4, 4, 1)) << "the model's limit";
  EXPECT_THAT(SplitRows(3, 64, nullptr), ElementsAre(1, 1, 1)) << "nothing is known yet";
}

TEST(SplitRowsTest, PartsAddUp) {
  const CostCurve curve = MakeCurve({{1, 1}, {2, 1.3}, {4, 2.9}, {16, 9}});
  for (int64_t rows = 1; rows <= 200; ++rows) {
    int64_t sum = 0;
    for (const int64_t part : SplitRows(rows, 64, &curve)) {
      ASSERT_GE(part, 1);
      ASSERT_LE(part, 16);
      sum += part;
    }
    ASSERT_EQ(sum, rows);
  }
}

}  // namespace
}  // namespace beak
