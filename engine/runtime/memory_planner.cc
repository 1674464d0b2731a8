#include "engine/runtime/memory_planner.h"

#include <algorithm>
#include <numeric>

#include "engine/tensor/buffer.h"

namespace beak {
namespace {

size_t AlignUp(size_t bytes) { return (bytes + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment; }

bool LiveTogether(const BufferLifetime& a, const BufferLifetime& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

}  // namespace

ArenaPlan PlanArena(std::span<const BufferLifetime> buffers) {
  ArenaPlan plan;
  plan.offsets.resize(buffers.size());
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return buffers[a].bytes > buffers[b].bytes; });

  std::vector<size_t> placed;  // by offset
  for (const size_t index : order) {
    const size_t bytes = AlignUp(buffers[index].bytes);
    size_t offset = 0;
    for (const size_t other : placed) {
      if (!LiveTogether(buffers[index], buffers[other])) continue;
      if (offset + bytes <= plan.offsets[other]) break;
      offset = std::max(offset, plan.offsets[other] + AlignUp(buffers[other].bytes));
    }
    plan.offsets[index] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + bytes);
    const auto after = std::upper_bound(placed.begin(), placed.end(), offset,
                                        [&](size_t value, size_t other) { return value < plan.offsets[other]; });
    placed.insert(after, index);
  }
  return plan;
}

}  // namespace beak
