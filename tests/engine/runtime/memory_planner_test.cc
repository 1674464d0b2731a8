#include "engine/runtime/memory_planner.h"

#include <gtest/gtest.h>

#include <random>

namespace beak {
namespace {

TEST(MemoryPlannerTest, NothingTakesNothing) { EXPECT_EQ(PlanArena({}).arena_bytes, 0u); }

TEST(MemoryPlannerTest, BuffersThatDoNotLiveTogetherShareMemory) {
  const BufferLifetime buffers[] = {{640, 0, 1}, {640, 2, 3}, {640, 4, 9}};
  const ArenaPlan plan = PlanArena(buffers);
  EXPECT_EQ(plan.arena_bytes, 640u);
  EXPECT_EQ(plan.offsets, (std::vector<size_t>{0, 0, 0}));
}

TEST(MemoryPlannerTest, AStepsInputAndOutputLiveTogether) {
  const BufferLifetime buffers[] = {{64, 0, 1}, {64, 1, 2}, {64, 2, 3}};
  EXPECT_EQ(PlanArena(buffers).arena_bytes, 128u) << "a chain needs two places";
}

TEST(MemoryPlannerTest, ASmallBufferFillsAGap) {
  // The large one at 0, one that lives with all, and a small one that fits where the large one was.
  const BufferLifetime buffers[] = {{1024, 0, 1}, {512, 0, 5}, {128, 3, 5}};
  const ArenaPlan plan = PlanArena(buffers);
  EXPECT_EQ(plan.arena_bytes, 1536u);
  EXPECT_EQ(plan.offsets[2], 0u);
}

TEST(MemoryPlannerTest, OffsetsAreAlignedAndLiveBuffersNeverOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<BufferLifetime> buffers;
    size_t total = 0;
    for (int i = 0; i < 40; ++i) {
      const int first = static_cast<int>(random() % 30);
      buffers.push_back({random() % 1000, first, first + static_cast<int>(random() % 8)});
      total += (buffers.back().bytes + 63) / 64 * 64;
    }
    const ArenaPlan plan = PlanArena(buffers);
    EXPECT_LE(plan.arena_bytes, total);
    for (size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(plan.offsets[i] % 64, 0u);
      EXPECT_LE(plan.offsets[i] + buffers[i].bytes, plan.arena_bytes);
      for (size_t j = 0; j < i; ++j) {
        const bool together =
            buffers[i].first_step <= buffers[j].last_step && buffers[j].first_step <= buffers[i].last_step;
        const bool apart = plan.offsets[i] + buffers[i].bytes <= plan.offsets[j] ||
                           plan.offsets[j] + buffers[j].bytes <= plan.offsets[i];
        EXPECT_TRUE(!together || apart || buffers[i].bytes == 0 || buffers[j].bytes == 0)
            << "round " << round << ": buffers " << i << " and " << j;
      }
    }
  }
}

}  // namespace
}  // namespace beak
