#include "client/cli/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

namespace beak::cli {
namespace {

TEST(InterruptTest, ASignalIsActedOnElsewhere) {
  std::promise<std::thread::id> acted;
  const Interrupt interrupt([&] { acted.set_value(std::this_thread::get_id()); });
  EXPECT_FALSE(Interrupt::happened());
  raise(SIGTERM);
  EXPECT_NE(acted.get_future().get(), std::this_thread::get_id());
  EXPECT_TRUE(Interrupt::happened());
}

TEST(InterruptTest, TheFirstSignalCounts) {
  std::atomic<int> acts = 0;
  {
    const Interrupt interrupt([&] { ++acts; });
    raise(SIGINT);
    raise(SIGTERM);
  }
  EXPECT_EQ(acts, 1);
}

TEST(InterruptTest, ASecondOneEndsTheProgram) {
  EXPECT_EXIT(
      {
        const Interrupt interrupt([] {});
        raise(SIGINT);
        raise(SIGINT);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

TEST(InterruptTest, AfterwardsASignalIsWhatItWas) {
  {
    const Interrupt interrupt([] {});
  }
  EXPECT_EXIT(raise(SIGTERM), ::testing::KilledBySignal(SIGTERM), "");
  const auto ignored = [] {
    signal(SIGINT, SIG_IGN);
    const Interrupt interrupt([] { _exit(1); });
    raise(SIGINT);
    _exit(Interrupt::happened() ? 2 : 0);
  };
  EXPECT_EXIT(ignored(), ::testing::ExitedWithCode(0), "");
}

TEST(InterruptTest, WithoutASignalNothingHappens) {
  {
    const Interrupt interrupt([] { FAIL(); });
  }
  EXPECT_FALSE(Interrupt::happened());
}

}  // namespace
}  // namespace beak::cli
