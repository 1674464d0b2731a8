#include "server/scheduling/policy.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

namespace beak {
namespace {

using std::chrono::nanoseconds;

// A larger batch must be this much cheaper a row.
constexpr double kWorthwhile = 0.98;
// Several cores for one batch must finish it so much sooner than one.
constexpr double kWideGain = 0.9;
// By how many seconds of its share a model may be ahead of another while the order of deadlines, or of objectives, says
// so.
constexpr double kQuantum = 0.02;

// A queue that could be run from now.
struct Candidate {
  const QueueState* state;
  MonotonicTime latest_start;
  bool has_deadline;
  nanoseconds cost;  // of its first task alone

  const QueueOptions& options() const { return state->queue->workload().options(); }
  bool has_objective() const { return !has_deadline && options().objective.count() > 0; }
};

std::optional<Candidate> Consider(const QueueState& state) {
  const auto& [key, first] = *state.queue->waiting().begin();
  if (!state.costs || state.costs->empty()) return std::nullopt;
  const Cost* cost = state.costs->Smallest(first.task->rows(), 1);
  const bool has_deadline = first.task->deadline() != kNever;
  return Candidate{&state, LatestStart(key.first, cost), has_deadline, cost ? cost->mean : nanoseconds(0)};
}

// Priorities of one model are strict.
bool Outranks(const Candidate& a, const Candidate& b) {
  return a.state->queue->level() < b.state->queue->level() && a.options().model == b.options().model;
}

void RemoveOutranked(std::vector<Candidate>& candidates) {
  if (candidates.size() < 2) return;
  const std::vector<Candidate> all = candidates;
  const auto outranked = [&](const Candidate& candidate) {
    return std::any_of(all.begin(), all.end(), [&](const Candidate& other) { return Outranks(other, candidate); });
  };
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(), outranked), candidates.end());
}

// Shares decide between queues for which the order of their deadlines is no help: both are due by the time that the
// first has run, or none has a deadline. Objectives are as good as deadlines among themselves.
const Candidate& FairChoice(const std::vector<Candidate>& candidates, const Candidate& first, MonotonicTime now) {
  const MonotonicTime horizon = now + first.cost;
  const Candidate* choice = &first;
  for (const Candidate& other : candidates) {
    const bool both_patient = !first.has_deadline && !other.has_deadline;
    if (!both_patient && other.latest_start > horizon) continue;
    const double ahead = first.state->service - other.state->service;
    const bool ordered = !both_patient || (first.has_objective() && other.has_objective());
    if (ahead <= (ordered ? kQuantum : 0)) continue;
    if (other.state->service < choice->state->service) choice = &other;
  }
  return *choice;
}

// The first tasks of a queue, one more at a time.
class Prefixes {
 public:
  struct Prefix {
    size_t tasks = 0;
    int64_t rows = 0;
    MonotonicTime deadline = kNever;  // the earliest
  };

  // Of those after the first `skip`. Looks at no more than `max_rows`, but always at the first task.
  Prefixes(const TaskQueue& queue, size_t skip, int64_t max_rows) {
    Prefix prefix;
    for (const auto& [key, waiting] : queue.waiting()) {
      if (skip > 0) {
        --skip;
        continue;
      }
      prefix.rows += waiting.task->rows();
      if (prefix.rows > max_rows && prefix.tasks > 0) break;
      ++prefix.tasks;
      prefix.deadline = std::min(prefix.deadline, waiting.task->deadline());
      prefixes_.push_back(prefix);
    }
  }

  // The longest with at most so many rows; one without tasks where the first has more.
  Prefix Longest(int64_t rows) const {
    Prefix longest;
    for (const Prefix& prefix : prefixes_) {
      if (prefix.rows <= rows) longest = prefix;
    }
    return longest;
  }
  const Prefix& first() const { return prefixes_.front(); }

 private:
  std::vector<Prefix> prefixes_;
};

bool InTime(const Prefixes::Prefix& prefix, const Cost& cost, MonotonicTime now) {
  return LatestStart(prefix.deadline, &cost) >= now;
}

Batch ToBatch(const Prefixes::Prefix& prefix, const Cost& cost) { return {0, prefix.tasks, prefix.rows, cost}; }

// By measured cost, up to so many rows.
Batch CheapestBatch(const Prefixes& prefixes, const CostCurve& costs, int64_t max_rows, MonotonicTime now) {
  struct Choice {
    Prefixes::Prefix prefix;
    const Cost* cost;
    double per_row;
  };
  std::vector<Choice> choices;
  double best = std::numeric_limits<double>::max();
  for (const Cost& cost : costs.costs()) {
    if (cost.threads != 1) continue;
    const Prefixes::Prefix prefix = prefixes.Longest(std::min(cost.rows, max_rows));
    if (prefix.tasks == 0 || !InTime(prefix, cost, now)) continue;
    const double per_row = static_cast<double>(cost.mean.count()) / static_cast<double>(prefix.rows);
    choices.push_back({prefix, &cost, per_row});
    best = std::min(best, per_row);
  }
  for (const Choice& choice : choices) {
    if (choice.per_row * kWorthwhile <= best) return ToBatch(choice.prefix, *choice.cost);
  }
  // Not even the first task is sure to be in time: it may yet be, alone.
  const Cost* alone = costs.Smallest(prefixes.first().rows, 1);
  return alone == nullptr ? Batch{} : ToBatch(prefixes.first(), *alone);
}

// The largest preferred size that can be filled; all there is where the first cannot, or would be too late.
Batch PreferredBatch(const QueueOptions& options, const Prefixes& prefixes, const CostCurve& costs, MonotonicTime now) {
  const auto batch_of = [&](int64_t rows) {
    const Prefixes::Prefix prefix = prefixes.Longest(rows);
    const Cost* cost = prefix.tasks == 0 ? nullptr : costs.Smallest(prefix.rows, 1);
    return cost == nullptr || !InTime(prefix, *cost, now) ? Batch{} : ToBatch(prefix, *cost);
  };
  Batch best;
  for (const int64_t size : options.preferred_rows) {
    const Batch batch = batch_of(size);
    if (batch.rows == size && batch.rows > best.rows) best = batch;
  }
  if (best.tasks > 0) return best;
  best = batch_of(std::min(options.max_batch_rows, costs.max_rows()));
  return best.tasks > 0 ? best : CheapestBatch(prefixes, costs, options.max_batch_rows, now);
}

// All that waits in one run on several cores, where that is the soonest; else `narrow`.
Batch MaybeWide(const QueueState& state, const LaneState& lanes, const Batch& narrow, MonotonicTime now) {
  const QueueOptions& options = state.queue->workload().options();
  const int threads = options.CoresOf(lanes.lanes);
  if (lanes.free < lanes.lanes || threads < 2) return narrow;
  // Those that would be late on one core may not be on several.
  for (const size_t shed : {size_t{0}, narrow.shed}) {
    const Prefixes::Prefix all = Prefixes(*state.queue, shed, options.max_batch_rows).Longest(options.max_batch_rows);
    const Cost* cost = shed + all.tasks < state.queue->size() ? nullptr : state.costs->Smallest(all.rows, threads);
    if (cost == nullptr || !InTime(all, *cost, now)) continue;
    if (static_cast<double>(cost->mean.count()) > kWideGain * static_cast<double>(narrow.cost.mean.count())) continue;
    Batch wide = ToBatch(all, *cost);
    wide.shed = shed;
    return wide;
  }
  return narrow;
}

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

size_t Shed(const QueueState& state, MonotonicTime now) {
  size_t risky = 0;
  for (const auto& [key, waiting] : state.queue->waiting()) {
    const Task& task = *waiting.task;
    if (task.deadline() == kNever) return 0;  // it can wait, whatever is in front of it
    if (now <= LatestStart(task.deadline(), state.costs->Smallest(task.rows(), 1))) return risky;
    ++risky;
  }
  return 0;
}

Batch FormBatch(const QueueState& state, const LaneState& lanes, MonotonicTime now) {
  const QueueOptions& options = state.queue->workload().options();
  const CostCurve& costs = *state.costs;
  const size_t shed = Shed(state, now);
  const Prefixes prefixes(*state.queue, shed, std::min(options.max_batch_rows, costs.max_rows()));
  Batch batch;
  if (!options.preferred_rows.empty()) {
    batch = PreferredBatch(options, prefixes, costs, now);
  } else {
    // Lanes that are free at the same time share what there is.
    const int64_t share = std::max(CeilDiv(state.queue->rows(), lanes.free), prefixes.first().rows);
    batch = CheapestBatch(prefixes, costs, std::min(options.max_batch_rows, share), now);
  }
  batch.shed = batch.tasks > 0 ? shed : 0;
  return batch;
}

MonotonicTime HoldUntil(const QueueState& state, MonotonicTime now) {
  const TaskQueue& queue = *state.queue;
  const QueueOptions& options = queue.workload().options();
  if (options.max_delay.count() == 0) return now;
  const int64_t largest = std::min(options.max_batch_rows, state.costs ? state.costs->max_rows() : 1);
  const auto filled = [&](int64_t size) { return queue.rows() >= size; };
  const std::vector<int64_t>& preferred = options.preferred_rows;
  if (filled(largest) || std::any_of(preferred.begin(), preferred.end(), filled)) return now;
  const auto& [key, first] = *queue.waiting().begin();
  const Cost* cost = state.costs ? state.costs->Smallest(std::min(queue.rows(), largest), 1) : nullptr;
  // A tenth of the cost early, lest the wake-up itself be what makes it late.
  const nanoseconds early = cost == nullptr ? nanoseconds(0) : cost->mean / 10;
  const MonotonicTime start = LatestStart(first.task->deadline(), cost);
  MonotonicTime oldest = kNever;  // of fewer tasks than a batch holds
  for (const auto& [place, waiting] : queue.waiting()) oldest = std::min(oldest, waiting.task->arrived());
  return std::min(oldest + options.max_delay, start == kNever ? kNever : start - early);
}

Decision Decide(const std::vector<QueueState>& queues, const LaneState& lanes, MonotonicTime now) {
  Decision decision;
  std::vector<Candidate> candidates;
  for (const QueueState& state : queues) {
    const std::optional<Candidate> candidate = Consider(state);
    if (!candidate) continue;
    const MonotonicTime hold = HoldUntil(state, now);
    if (hold <= now) {
      candidates.push_back(*candidate);
    } else {
      decision.look_again = std::min(decision.look_again, hold);
    }
  }
  if (candidates.empty()) return decision;
  RemoveOutranked(candidates);
  const Candidate& first =
      *std::min_element(candidates.begin(), candidates.end(),
                        [](const Candidate& a, const Candidate& b) { return a.latest_start < b.latest_start; });
  const Candidate& choice = FairChoice(candidates, first, now);
  Batch batch = FormBatch(*choice.state, lanes, now);
  if (candidates.size() == 1) batch = MaybeWide(*choice.state, lanes, batch, now);
  if (batch.tasks == 0) return decision;
  decision.queue = choice.state->queue;
  decision.shed = batch.shed;
  decision.tasks = batch.tasks;
  decision.rows = batch.rows;
  decision.cost = batch.cost;
  return decision;
}

std::vector<int64_t> SplitRows(int64_t rows, int64_t max_rows, const CostCurve* costs) {
  const int64_t known = costs == nullptr ? 0 : costs->max_rows();
  const int64_t largest = std::max<int64_t>(1, std::min(known, max_rows));
  std::vector<int64_t> parts(static_cast<size_t>(rows / largest), largest);
  int64_t rest = rows % largest;
  while (rest > 0) {
    const Cost* whole = costs->Smallest(rest, 1);
    // The largest program that the rest fills, and what it would leave.
    const Cost* filled = nullptr;
    for (const Cost& cost : costs->costs()) {
      if (cost.threads == 1 && cost.rows <= rest) filled = &cost;
    }
    if (filled == nullptr) {
      parts.push_back(rest);
      break;
    }
    const int64_t left = rest - filled->rows;
    const Cost* remainder = left == 0 ? nullptr : costs->Smallest(left, 1);
    const nanoseconds in_two = filled->mean + (remainder ? remainder->mean : nanoseconds(0));
    const bool keep_whole = whole != nullptr && whole->mean <= in_two;
    parts.push_back(keep_whole ? rest : filled->rows);
    rest = keep_whole ? 0 : left;
  }
  return parts;
}

}  // namespace beak
