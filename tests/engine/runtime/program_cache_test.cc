#include "engine/runtime/program_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOk;
using ::beak::testing::StatusIs;

ProgramCache::Key KeyOf(int64_t batch) { return {{{batch, 3}}, 1}; }

class ProgramCacheTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Program> Get(int64_t batch) {
    auto program = cache_.Get(KeyOf(batch), [&]() -> absl::StatusOr<std::shared_ptr<const Program>> {
      ++compiled_;
      return std::make_shared<const Program>(Program::Parts{});
    });
    EXPECT_THAT(program, IsOk());
    return *program;
  }

  ProgramCache cache_{2};
  std::atomic<int> compiled_{0};
};

TEST_F(ProgramCacheTest, CompilesAKeyOnce) {
  const auto first = Get(1);
  EXPECT_EQ(Get(1), first);
  EXPECT_EQ(compiled_, 1);
  EXPECT_NE(Get(2), first);
  EXPECT_EQ(cache_.size(), 2);
}

TEST_F(ProgramCacheTest, TheLeastRecentlyUsedGoesFirst) {
  const auto first = Get(1);
  Get(2);
  Get(1);
  Get(3);  // 2 goes
  EXPECT_EQ(Get(1), first) << "1 was used after 2";
  EXPECT_EQ(compiled_, 3);
  Get(2);
  EXPECT_EQ(compiled_, 4) << "2 was not compiled again";
}

TEST_F(ProgramCacheTest, AnEvictedProgramLivesWhileItIsHeld) {
  const std::weak_ptr<const Program> held = Get(1);
  const auto holder = held.lock();
  Get(2);
  Get(3);
  EXPECT_FALSE(held.expired());
}

TEST_F(ProgramCacheTest, AFailureIsReturnedAndNotRemembered) {
  const auto failed =
      cache_.Get(KeyOf(1), [] { return absl::StatusOr<std::shared_ptr<const Program>>(absl::InternalError("no")); });
  EXPECT_THAT(failed, StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(cache_.size(), 0);
  Get(1);
  EXPECT_EQ(compiled_, 1);
}

TEST_F(ProgramCacheTest, CallersOfOneKeyShareOneCompilation) {
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<const Program>> programs(8);
  for (size_t i = 0; i < programs.size(); ++i) threads.emplace_back([&, i] { programs[i] = Get(1); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(compiled_, 1);
  for (const auto& program : programs) EXPECT_EQ(program, programs[0]);
}

}  // namespace
}  // namespace beak
