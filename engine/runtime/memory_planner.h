#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace beak {

// A buffer that steps first_step..last_step (inclusive) need; its contents matter only in between.
struct BufferLifetime {
  size_t bytes = 0;
  int first_step = 0;
  int last_step = 0;
};

struct ArenaPlan {
  std::vector<size_t> offsets;  // per buffer, multiples of Buffer::kAlignment
  size_t arena_bytes = 0;
};

// Places buffers in one arena so that two that live at the same time never overlap. Greedy by size: the largest first,
// each at the lowest offset that is free for all of its life ("greedy by size for offset calculation", Pisarchyk and
// Lee, arXiv 2001.03288). Pure and deterministic.
ArenaPlan PlanArena(std::span<const BufferLifetime> buffers);

}  // namespace beak
