#include "server/models/loader.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <string>

namespace beak {
namespace {

TEST(LoaderTest, RunsAtLowPriorityOnThreadsWithNames) {
  const auto loader = Loader::CreateThreads(1);
  int priority = 0;
  std::string name(16, '\0');
  loader->Submit([&] {
    priority = getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)));
    pthread_getname_np(pthread_self(), name.data(), name.size());
  });
  loader->Stop();
  EXPECT_EQ(priority, 10);
  EXPECT_EQ(std::string(name.c_str()), "beak-load-0");
  EXPECT_LT(getpriority(PRIO_PROCESS, 0), 10) << "others keep theirs";
}

TEST(LoaderTest, LoadsRunAtTheSameTime) {
  const auto loader = Loader::CreateThreads(2);
  std::latch both(2);
  for (int i = 0; i < 2; ++i) loader->Submit([&] { both.arrive_and_wait(); });
  both.wait();
}

TEST(LoaderTest, WhatWasSubmittedRunsBeforeTheEnd) {
  std::atomic<int> ran = 0;
  {
    const auto loader = Loader::CreateThreads(1);
    for (int i = 0; i < 10; ++i) loader->Submit([&] { ++ran; });
    loader->Stop();
    EXPECT_EQ(ran, 10);
    loader->Stop();
  }
}

}  // namespace
}  // namespace beak
