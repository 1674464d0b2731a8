#include "server/observe/trace_sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace beak {
namespace {

int Sampled(TraceSampler& sampler, int requests) {
  int sampled = 0;
  for (int i = 0; i < requests; ++i) sampled += sampler.Sample(std::nullopt) ? 1 : 0;
  return sampled;
}

TEST(TraceSamplerTest, TakesEveryHundredth) {
  TraceSampler sampler(0.01);
  for (int i = 1; i <= 1000; ++i) EXPECT_EQ(sampler.Sample(std::nullopt), i % 100 == 0) << i;
}

TEST(TraceSamplerTest, ARateThatIsNoWholePartKeepsItsShare) {
  for (const double rate : {0.3, 0.7, 1.0 / 3, 0.999}) {
    TraceSampler sampler(rate);
    EXPECT_NEAR(Sampled(sampler, 30'000), 30'000 * rate, 1) << rate;
  }
}

TEST(TraceSamplerTest, AllOrNone) {
  TraceSampler all(1);
  EXPECT_EQ(Sampled(all, 100), 100);
  TraceSampler none(0);
  EXPECT_EQ(Sampled(none, 100), 0);
}

TEST(TraceSamplerTest, ACallerThatRecordsIsFollowed) {
  TraceSampler sampler(0);
  TraceContext context;
  EXPECT_FALSE(sampler.Sample(context));
  context.flags = 1;
  EXPECT_TRUE(sampler.Sample(context));
}

TEST(TraceSamplerTest, ThreadsShareTheCount) {
  TraceSampler sampler(0.1);
  std::atomic<int> sampled{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { sampled += Sampled(sampler, 1000); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sampled, 400);
}

}  // namespace
}  // namespace beak
