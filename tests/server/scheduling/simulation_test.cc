// Replays random arrivals through the dispatcher on a clock of its own, with lanes that take as long as their runs do,
// and checks what must hold whatever comes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/scheduling/dispatcher.h"
#include "tests/server/support/fake_workload.h"

namespace beak {
namespace {

using testing::FakeWorkload;
using testing::MakeCurve;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// What became of a task, and that it became of it once.
class SimulatedTask final : public Task {
 public:
  SimulatedTask(std::shared_ptr<Workload> workload, const Properties& properties, uint64_t place)
      : Task(std::move(workload), properties), number(place) {}
  void Refuse(absl::Status, Refusal) override { ADD_FAILURE() << "the dispatcher tells others to refuse it"; }

  nanoseconds waited() const { return began - arrived(); }
  uint64_t level() const { return workload().options().Level(priority()); }
  // It has waited for so long that it was put behind the others.
  bool was_delayed() const {
    const QueuePolicy& policy = workload().options().PolicyOf(level());
    return policy.timeout.count() > 0 && policy.timeout_action == QueuePolicy::TimeoutAction::kDelay &&
           waited() >= policy.timeout;
  }

  const uint64_t number;   // of its arrival
  int64_t rows_ahead = 0;  // of its queue, when it came
  int ends = 0;
  MonotonicTime began = kNever;
  MonotonicTime finished = kNever;
};

SimulatedTask& AsSimulated(const std::shared_ptr<Task>& task) { return static_cast<SimulatedTask&>(*task); }

struct Source {
  std::shared_ptr<FakeWorkload> workload;
  double load = 0.5;         // of one lane, offered
  milliseconds deadline{0};  // of its tasks; 0: none
  double mean_rows = 1;
  nanoseconds mean_cost_of_row{0};
  bool cancels = false;
};

class Simulation {
 public:
  Simulation(uint32_t seed, int lanes, const Dispatcher::Options& options, std::vector<Source> sources)
      : random_(seed), lanes_(static_cast<size_t>(lanes)), dispatcher_(options), sources_(std::move(sources)) {
    for (size_t i = 0; i < sources_.size(); ++i) ScheduleArrival(i);
  }

  void Run(nanoseconds duration) {
    const MonotonicTime end = now_ + duration;
    while (now_ < end) Step();
    // Nobody comes any more; what is left must come to its end by itself.
    arrivals_.clear();
    for (int i = 0; i < 1'000'000 && (!dispatcher_.empty() || dispatcher_.running() > 0); ++i) Step();
  }

  // Work-conserving: no lane was free while something could have been run.
  bool idled_with_work = false;
  // A run that had a program for more rows than the model allows, or began too late.
  std::vector<std::string> violations;
  std::vector<std::shared_ptr<SimulatedTask>> tasks;
  nanoseconds busy{0};
  int late = 0;  // tasks that were finished after their deadline
  double noise = 0;
  MonotonicTime now() const { return now_; }

 private:
  struct Lane {
    bool busy = false;
    MonotonicTime until = kNever;
    BatchRun how;
    std::vector<std::shared_ptr<Task>> batch;
  };

  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  void ScheduleArrival(size_t source) {
    const Source& from = sources_[source];
    const double rows_per_second = from.load / Seconds(from.mean_cost_of_row);
    const double seconds = std::exponential_distribution<double>(rows_per_second / from.mean_rows)(random_);
    arrivals_.emplace(now_ + nanoseconds(static_cast<int64_t>(seconds * 1e9)), source);
  }

  void Arrive(size_t index) {
    const Source& from = sources_[index];
    const int64_t rows = 1 + std::min<int64_t>(7, std::geometric_distribution<int64_t>(1 / from.mean_rows)(random_));
    const MonotonicTime deadline = from.deadline.count() == 0 ? kNever : now_ + from.deadline;
    const uint64_t levels = from.workload->options().priority_levels;
    const uint64_t priority = levels == 0 ? 0 : random_() % (levels + 1);
    const auto task = std::make_shared<SimulatedTask>(
        from.workload, Task::Properties{rows, rows, now_, deadline, priority}, tasks.size());
    tasks.push_back(task);
    if (!dispatcher_.Admit({task}, now_).why.ok()) {
      ++task->ends;
    } else {
      task->rows_ahead = std::exchange(RowsThatWait(*task), RowsThatWait(*task) + rows);
    }
    if (from.cancels && Uniform() < 0.3) Cancel(*tasks[static_cast<size_t>(Uniform() * tasks.size())]);
  }

  void Cancel(SimulatedTask& task) {
    task.cancel_token().Cancel();
    if (dispatcher_.Take(task)) Refused(task);
  }

  int64_t& RowsThatWait(const SimulatedTask& task) { return rows_that_wait_[{&task.workload(), task.level()}]; }
  void Refused(SimulatedTask& task) {
    ++task.ends;
    RowsThatWait(task) -= task.rows();
  }

  // The next thing happens, and lanes that are free look for work.
  void Step() {
    MonotonicTime next = arrivals_.empty() ? kNever : arrivals_.begin()->first;
    for (const Lane& lane : lanes_) next = std::min(next, lane.until);
    next = std::min({next, dispatcher_.next_check(), dispatcher_.next_look()});
    ASSERT_NE(next, kNever) << "something waits and nothing will ever happen";
    now_ = std::max(now_, next);
    for (Lane& lane : lanes_) {
      if (lane.until <= now_) Finish(lane);
    }
    while (!arrivals_.empty() && arrivals_.begin()->first <= now_) {
      const size_t source = arrivals_.begin()->second;
      arrivals_.erase(arrivals_.begin());
      Arrive(source);
      ScheduleArrival(source);
    }
    RefuseHopeless();
    dispatcher_.ResetLook();
    for (size_t i = 0; i < lanes_.size(); ++i) {
      if (!lanes_[i].busy && dispatcher_.may_run()) Begin(static_cast<int>(i));
    }
    const bool free = dispatcher_.busy_cores() < static_cast<int>(lanes_.size());
    if (free && !dispatcher_.empty() && dispatcher_.next_look() == kNever) idled_with_work = true;
  }

  void RefuseHopeless() {
    for (const TaskQueue::Refused& refused : dispatcher_.TakeHopeless(now_)) Refused(AsSimulated(refused.task));
  }

  // As a lane of the scheduler does: what needed several cores has no hope once another lane is busy.
  void Begin(int index) {
    RefuseHopeless();
    Dispatcher::Work work = dispatcher_.TakeBatch(index, now_);
    for (const TaskQueue::Refused& refused : work.shed) Refused(AsSimulated(refused.task));
    if (work.batch.empty()) return;
    Lane& lane = lanes_[static_cast<size_t>(index)];
    const Workload& workload = work.batch[0]->workload();
    int64_t rows = 0;
    for (const std::shared_ptr<Task>& task : work.batch) {
      rows += task->rows();
      AsSimulated(task).began = now_;
      RowsThatWait(AsSimulated(task)) -= task->rows();
      if (&task->workload() != &workload) violations.push_back("a batch of two workloads");
      if (task->cancelled()) violations.push_back("a cancelled task was run");
      if (now_ >= task->deadline()) violations.push_back("a task was run after its deadline");
    }
    if (rows > work.how.program_rows) violations.push_back("more rows than the program has");
    if (rows > workload.options().max_batch_rows) violations.push_back("more rows than the model allows");
    const Cost* cost = workload.costs()->Smallest(work.how.program_rows, work.how.threads);
    // Runs take what they are expected to take, or less; on a noisy machine up to `noise` more.
    const auto duration = nanoseconds(
        static_cast<int64_t>(static_cast<double>(cost->mean.count()) * (0.8 + (0.2 + 2 * noise) * Uniform())));
    busy += duration * work.how.threads;
    lane = {true, now_ + duration, work.how, std::move(work.batch)};
  }

  void Finish(Lane& lane) {
    dispatcher_.LaneIsFree(lane.how);
    for (const std::shared_ptr<Task>& task : lane.batch) {
      AsSimulated(task).finished = now_;
      ++AsSimulated(task).ends;
      if (now_ > task->deadline() && !task->cancelled()) ++late;
    }
    lane = Lane();
  }

  std::mt19937 random_;
  MonotonicTime now_{std::chrono::hours(1)};
  std::vector<Lane> lanes_;
  Dispatcher dispatcher_;
  std::multimap<MonotonicTime, size_t> arrivals_;
  std::map<std::pair<const Workload*, uint64_t>, int64_t> rows_that_wait_;
  std::vector<Source> sources_;
};

Source MakeSource(const std::string& model, double load, milliseconds deadline, double ms_per_row, double mean_rows = 1,
                  QueueOptions options = {}, double margin = 1) {
  options.model = model;
  options.max_batch_rows = 8;
  std::vector<std::pair<int64_t, double>> costs;
  std::vector<std::pair<int64_t, double>> wide;
  for (const int rows : {1, 2, 4, 8}) {
    costs.emplace_back(rows, ms_per_row * (0.3 + 0.7 * rows));
    wide.emplace_back(rows, 0.6 * ms_per_row * (0.3 + 0.7 * rows));
  }
  Source source;
  source.workload = std::make_shared<FakeWorkload>(options, MakeCurve(costs, wide, 2, margin));
  source.load = load;
  source.deadline = deadline;
  source.mean_rows = mean_rows;
  source.mean_cost_of_row = nanoseconds(static_cast<int64_t>(ms_per_row * 1e6));
  return source;
}

// Every task ends once, none is late, no lane idles; among equals the first come are the first served.
void CheckInvariants(const Simulation& simulation, uint32_t seed) {
  EXPECT_THAT(simulation.violations, ::testing::IsEmpty()) << "seed " << seed;
  EXPECT_FALSE(simulation.idled_with_work) << "seed " << seed;
  if (simulation.noise == 0) {
    EXPECT_EQ(simulation.late, 0) << "seed " << seed;
  }
  std::map<std::tuple<const Workload*, uint64_t, int64_t, nanoseconds>, MonotonicTime> last_began;
  for (const auto& task : simulation.tasks) {
    ASSERT_EQ(task->ends, 1) << "seed " << seed << " task " << task->number;
    if (task->began == kNever || task->was_delayed()) continue;
    const nanoseconds patience = task->deadline() == kNever ? nanoseconds(0) : task->deadline() - task->arrived();
    MonotonicTime& last = last_began[{&task->workload(), task->level(), task->rows(), patience}];
    ASSERT_LE(last, task->began) << "seed " << seed << ": task " << task->number << " was overtaken by one like it";
    last = task->began;
  }
}

QueuePolicy RandomPolicy(std::mt19937& random) {
  const auto action = random() % 2 == 0 ? QueuePolicy::TimeoutAction::kReject : QueuePolicy::TimeoutAction::kDelay;
  return {action, milliseconds(10 + random() % 300), random() % 2 == 0 ? 0 : 8};
}

// By how much of its share a model may be ahead of another; twice, for the other may be as much behind.
constexpr double kQuantum = 2 * 0.02;
constexpr double kLongestRuns = 0.2;

// A task that has no deadline and the highest priority of its model waits until it is due, then for the rows before it
// at the pace of its model's share; and for runs that have begun, and while others catch up on what they were behind.
void CheckWaiting(const Simulation& simulation, const std::vector<Source>& sources, int lanes, uint32_t seed) {
  double weights = 0;
  for (const Source& source : sources) weights += source.workload->options().weight;
  for (const auto& task : simulation.tasks) {
    if (task->began == kNever || task->deadline() != kNever || task->level() > 1 || task->was_delayed()) continue;
    const auto source = std::find_if(sources.begin(), sources.end(),
                                     [&](const Source& one) { return one.workload.get() == &task->workload(); });
    const QueueOptions& options = task->workload().options();
    const double row = Seconds(source->mean_cost_of_row);
    const double due = options.objective.count() > 0 ? Seconds(options.objective) : std::max(1.0, 20 * 8 * row);
    const double pace = lanes * options.weight / weights;
    const double bound = due + 1.2 * static_cast<double>(task->rows_ahead + task->rows()) * row / pace +
                         kQuantum * weights / lanes + kLongestRuns;
    ASSERT_LT(Seconds(task->waited()), bound) << "seed " << seed << " task " << task->number << " of " << options.model;
  }
}

TEST(SimulationTest, InvariantsHoldWhateverArrives) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto choose = [&](int below) { return static_cast<int>(random() % static_cast<uint32_t>(below)); };
    std::vector<Source> sources;
    const int models = 1 + choose(4);
    for (int i = 0; i < models; ++i) {
      QueueOptions options;
      if (choose(4) == 0) options.preferred_rows = {2, 4};
      if (choose(4) == 0) options.max_delay = milliseconds(1 + choose(5));
      if (choose(4) == 0) options.default_policy.max_requests = 5;
      if (choose(2) == 0) options.weight = std::vector<double>{0.25, 0.5, 2, 4}[static_cast<size_t>(choose(4))];
      if (choose(3) == 0) options.objective = milliseconds(20 + choose(500));
      if (choose(3) == 0) {
        options.priority_levels = static_cast<uint64_t>(1 + choose(3));
        options.default_priority = 1 + static_cast<uint64_t>(choose(static_cast<int>(options.priority_levels)));
        options.policies[1] = RandomPolicy(random);
      }
      if (choose(4) == 0) options.default_policy = RandomPolicy(random);
      const milliseconds deadline(choose(3) == 0 ? 0 : 20 + choose(60));
      sources.push_back(
          MakeSource(absl::StrCat("m", i), 0.1 + choose(15) * 0.1, deadline, 0.5 + choose(8), 1 + choose(3), options));
      sources.back().cancels = choose(3) == 0;
    }
    const int lanes = 1 + choose(3);
    Simulation simulation(seed, lanes, {lanes, 200, 1'000'000}, sources);
    simulation.Run(std::chrono::seconds(8));
    CheckInvariants(simulation, seed);
    CheckWaiting(simulation, sources, lanes, seed);
    if (::testing::Test::HasFailure()) return;
  }
}

double RowsPerSecond(const Simulation& simulation, const Source& source, nanoseconds duration) {
  int64_t rows = 0;
  for (const auto& task : simulation.tasks) {
    if (&task->workload() == source.workload.get() && task->finished != kNever) rows += task->rows();
  }
  return static_cast<double>(rows) / Seconds(duration);
}

// At twice what the machine can do, the machine does what it can, and all of it in time.
TEST(SimulationTest, OverloadCostsNoThroughput) {
  const Source a = MakeSource("a", 2, milliseconds(40), 4);
  const Source b = MakeSource("b", 2, milliseconds(20), 1);
  constexpr std::chrono::seconds kTime(20);
  Simulation simulation(7, 2, {2, 4096, 1'000'000}, {a, b});
  simulation.Run(kTime);
  CheckInvariants(simulation, 7);
  EXPECT_GT(Seconds(simulation.busy), 0.98 * 2 * Seconds(kTime)) << "two lanes";
  const double share_of_a = RowsPerSecond(simulation, a, kTime) * 4 / (RowsPerSecond(simulation, b, kTime) * 1);
  EXPECT_GT(share_of_a, 0.7);
  EXPECT_LT(share_of_a, 1.4) << "neither lives at the other's expense";
}

// Where runs may take up to half as long again as usual, hardly any is in vain: those are run that have time for it.
TEST(SimulationTest, OverloadOnANoisyMachineWastesNothing) {
  const Source a = MakeSource("a", 2, milliseconds(80), 30, 1, {}, 1.4);
  const Source b = MakeSource("b", 2, milliseconds(20), 4, 1, {}, 1.4);
  constexpr std::chrono::seconds kTime(20);
  Simulation simulation(9, 2, {2, 4096, 1'000'000}, {a, b});
  simulation.noise = 0.2;
  simulation.Run(kTime);
  CheckInvariants(simulation, 9);
  EXPECT_GT(Seconds(simulation.busy), 0.97 * 2 * Seconds(kTime));
  const auto answered = std::count_if(simulation.tasks.begin(), simulation.tasks.end(),
                                      [](const auto& task) { return task->finished != kNever; });
  EXPECT_LT(simulation.late, 0.01 * static_cast<double>(answered));
  EXPECT_GT(RowsPerSecond(simulation, a, kTime), 0.8 * 0.5 * 2 / 0.03) << "about half of two lanes";
}

// For what is said of any run: one might be lucky.
constexpr uint32_t kSeeds = 20;

// A model with few requests is served as if the other were not there, almost.
TEST(SimulationTest, ABusyModelDoesNotStarveAQuietOne) {
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    const Source busy = MakeSource("busy", 6, milliseconds(0), 4);
    const Source quiet = MakeSource("quiet", 0.2, milliseconds(0), 4);
    Simulation simulation(seed, 2, {2, 100, 1'000'000}, {busy, quiet});
    simulation.Run(std::chrono::seconds(10));
    CheckInvariants(simulation, seed);
    nanoseconds worst(0);
    for (const auto& task : simulation.tasks) {
      if (&task->workload() == quiet.workload.get() && task->began != kNever) worst = std::max(worst, task->waited());
    }
    EXPECT_LT(worst, milliseconds(100)) << "the other has some 200 ms of work waiting at all times; seed " << seed;
  }
}

TEST(SimulationTest, TasksWithoutADeadlineAreServedBesideAFloodWithDeadlines) {
  for (uint32_t seed = 1; seed <= kSeeds; ++seed) {
    const Source flood = MakeSource("flood", 4, milliseconds(30), 2);
    const Source patient = MakeSource("patient", 0.5, milliseconds(0), 2);
    Simulation simulation(seed, 2, {2, 4096, 1'000'000}, {flood, patient});
    simulation.Run(std::chrono::seconds(10));
    CheckInvariants(simulation, seed);
    int served = 0;
    nanoseconds worst(0);
    for (const auto& task : simulation.tasks) {
      if (&task->workload() != patient.workload.get()) continue;
      ++served;
      ASSERT_NE(task->finished, kNever) << "seed " << seed;
      worst = std::max(worst, task->waited());
    }
    EXPECT_GT(served, 1000) << "seed " << seed;
    EXPECT_LT(worst, std::chrono::seconds(2)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace beak
