#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/clock.h"
#include "server/observe/cost_table.h"
#include "server/scheduling/task_queue.h"

// What a free lane runs next: pure functions of what waits, what it costs and what time it is. DESIGN section 6 gives
// the reasons.
namespace beak {

// A queue that is not empty, and what its model has had of the machine.
struct QueueState {
  const TaskQueue* queue = nullptr;
  std::shared_ptr<const CostCurve> costs;  // null or empty: nothing can be run yet
  double service = 0;                      // seconds of lanes over the model's weight; comparable among models
};

// The lanes as the one that asks sees them.
struct LaneState {
  int lanes = 1;
  int free = 1;  // it included; while all are, a run may have the cores of several
};

struct Decision {
  const TaskQueue* queue = nullptr;  // null: nothing now
  size_t shed = 0;                   // of its first ones are to be refused
  size_t tasks = 0;                  // of those after them are to be run
  int64_t rows = 0;                  // of these
  Cost cost;                         // of the program to run them on
  // Nothing, or nothing more, can be decided before this time unless something changes: a queue waits for more rows.
  MonotonicTime look_again = kNever;
};

// Work-conserving but for the delays that models ask for. Of each model, the highest priority; of these, the queue that
// must start first; among queues that are all late, or that all have no deadline, the model that has had least of its
// share. Where queues without deadlines have objectives, the one that must start first by these, unless its model is
// ahead of the other's share. REQUIRES: what is hopeless at `now` has been taken out of the queues.
Decision Decide(const std::vector<QueueState>& queues, const LaneState& lanes, MonotonicTime now);

// The first tasks of a queue that one run should take: as many rows as come out cheapest (within 2 %, the fewest), none
// of which is late because of the others.
struct Batch {
  size_t shed = 0;   // see Shed
  size_t tasks = 0;  // after those; 0: no program holds the first one
  int64_t rows = 0;
  Cost cost;
};
Batch FormBatch(const QueueState& state, const LaneState& lanes, MonotonicTime now);

// How many of the first tasks are better refused: they would probably be late, others behind them would not. There is
// too much work for all of them then, and whoever runs at the last moment misses it whenever something goes wrong. 0
// where there is no better one: what may be late is still tried.
size_t Shed(const QueueState& state, MonotonicTime now);

// Until when a queue waits for its batch to grow; `now` or earlier: not at all.
MonotonicTime HoldUntil(const QueueState& state, MonotonicTime now);

// The parts into which so many rows are best split, none with more than `max_rows`: sizes of programs that there are
// where that is cheaper than leaving rows of a larger program unused. Parts of one row where nothing is known.
std::vector<int64_t> SplitRows(int64_t rows, int64_t max_rows, const CostCurve* costs);

}  // namespace beak
