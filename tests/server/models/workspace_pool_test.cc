#include "server/models/workspace_pool.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace beak {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// A program without steps whose workspaces take so much.
std::shared_ptr<const Program> MakeProgram(size_t arena_bytes) {
  Program::Parts parts;
  parts.arena_bytes = arena_bytes;
  parts.inputs = {{"x", DType::kUint8, {1}}};
  parts.input_locations = {{Program::Location::kArena, 0, 1, nullptr}};
  return std::make_shared<const Program>(std::move(parts));
}

// How many idle workspaces of a program are kept: each holds it, and we do.
long Idle(const std::shared_ptr<const Program>& program) { return program.use_count() - 1; }

// Lends so many workspaces of a program at the same time, and takes them back.
void LendAndReturn(WorkspacePool& pool, const std::shared_ptr<const Program>& program, int count) {
  std::vector<WorkspaceLease> leases;
  leases.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) leases.push_back(pool.Acquire(program));
}

TEST(WorkspacePoolTest, AWorkspaceIsUsedAgain) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(4096);
  const std::byte* first = pool.Acquire(program).input(0).data();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.Acquire(program).input(0).data(), first);
  EXPECT_EQ(Idle(program), 1);
}

TEST(WorkspacePoolTest, ClearFreesThoseThatAreIdle) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(4096);
  {
    const WorkspaceLease lease = pool.Acquire(program);
    LendAndReturn(pool, program, 1);
    EXPECT_EQ(Idle(program), 2) << "one is lent, one idle";
    pool.Clear();
    EXPECT_EQ(Idle(program), 1);
  }
  EXPECT_EQ(Idle(program), 1) << "what comes back is kept again";
}

TEST(WorkspacePoolTest, NoTwoLeasesShareOne) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(4096);
  LendAndReturn(pool, program, 1);
  WorkspaceLease a = pool.Acquire(program);
  WorkspaceLease b = pool.Acquire(program);
  EXPECT_NE(a.input(0).data(), b.input(0).data());
}

TEST(WorkspacePoolTest, AWorkspaceBelongsToItsProgram) {
  WorkspacePool pool(1);
  const auto a = MakeProgram(4096);
  const auto b = MakeProgram(4096);
  LendAndReturn(pool, a, 1);
  const WorkspaceLease lease = pool.Acquire(b);
  EXPECT_EQ(Idle(a), 1) << "it was not taken for the other";
}

TEST(WorkspacePoolTest, ALeaseThatHasMovedReturnsOnce) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(4096);
  {
    WorkspaceLease lease = pool.Acquire(program);
    std::optional<WorkspaceLease> other(std::move(lease));
    other.reset();
    EXPECT_EQ(Idle(program), 1);
  }
  EXPECT_EQ(Idle(program), 1);
}

TEST(WorkspacePoolTest, KeepsTwoOfTheLargestForEachLane) {
  for (const int lanes : {1, 3}) {
    WorkspacePool pool(lanes);
    const auto program = MakeProgram(10 * kMiB);
    LendAndReturn(pool, program, 2 * lanes + 3);
    EXPECT_EQ(Idle(program), 2 * lanes) << lanes << " lanes";
  }
}

TEST(WorkspacePoolTest, KeepsALittleInAnyCase) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(kMiB);
  LendAndReturn(pool, program, 20);
  EXPECT_GE(Idle(program), 4) << "more than two of the largest";
  EXPECT_LE(Idle(program), 16);
}

TEST(WorkspacePoolTest, TheirNumberIsBoundedHoweverSmallTheyAre) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(64);
  LendAndReturn(pool, program, 200);
  EXPECT_GE(Idle(program), 16);
  EXPECT_LT(Idle(program), 100);
}

TEST(WorkspacePoolTest, ThoseUsedLastAreKept) {
  WorkspacePool pool(1);
  const auto old = MakeProgram(10 * kMiB);
  const auto recent = MakeProgram(10 * kMiB);
  LendAndReturn(pool, old, 2);
  LendAndReturn(pool, recent, 1);
  EXPECT_EQ(Idle(old), 1);
  LendAndReturn(pool, old, 1);  // and is now the one used last
  const auto newest = MakeProgram(10 * kMiB);
  LendAndReturn(pool, newest, 1);
  EXPECT_EQ(Idle(recent), 0);
  EXPECT_EQ(Idle(old), 1);
  EXPECT_EQ(Idle(newest), 1);
}

TEST(WorkspacePoolTest, LendingDoesNotCountAsIdle) {
  WorkspacePool pool(1);
  const auto program = MakeProgram(10 * kMiB);
  // Where the bytes of those that are lent went on counting, fewer and fewer would be kept.
  for (int round = 0; round < 10; ++round) LendAndReturn(pool, program, 2);
  EXPECT_EQ(Idle(program), 2);
}

TEST(WorkspacePoolTest, WorkspacesMayOutgrowAProgramThatNobodyElseHolds) {
  WorkspacePool pool(1);
  auto program = MakeProgram(4096);
  const std::weak_ptr<const Program> held = program;
  std::optional<WorkspaceLease> lease(pool.Acquire(std::move(program)));
  EXPECT_FALSE(held.expired()) << "the lease holds it";
  lease.reset();
  EXPECT_FALSE(held.expired()) << "the idle workspace does";
}

TEST(WorkspacePoolTest, ThreadsShareIt) {
  WorkspacePool pool(2);
  const auto a = MakeProgram(5 * kMiB);
  const auto b = MakeProgram(4096);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        WorkspaceLease lease = pool.Acquire((i + t) % 3 == 0 ? a : b);
        lease.input(0)[0] = static_cast<std::byte>(t);
        std::this_thread::yield();
        ASSERT_EQ(lease.input(0)[0], static_cast<std::byte>(t)) << "it is lent to one at a time";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(Idle(a) + Idle(b), 8);
}

}  // namespace
}  // namespace beak
