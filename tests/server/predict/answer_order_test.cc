#include "server/predict/answer_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "engine/base/thread.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AnswerOrderTest : public ::testing::Test {
 protected:
  void Leave(uint64_t number) {
    order_.Leave(number, [this, number] { given_.push_back(number); });
  }

  AnswerOrder order_;
  std::vector<uint64_t> given_;
};

TEST_F(AnswerOrderTest, CountsFromZero) {
  EXPECT_EQ(order_.Enter(), 0u);
  EXPECT_EQ(order_.Enter(), 1u);
}

TEST_F(AnswerOrderTest, WhatIsFirstIsGivenAtOnce) {
  order_.Enter();
  order_.Enter();
  Leave(0);
  EXPECT_THAT(given_, ElementsAre(0));
  Leave(1);
  EXPECT_THAT(given_, ElementsAre(0, 1));
}

TEST_F(AnswerOrderTest, WhatIsReadyEarlyWaitsForAllBeforeIt) {
  for (int i = 0; i < 4; ++i) order_.Enter();
  Leave(3);
  Leave(1);
  EXPECT_THAT(given_, IsEmpty());
  Leave(0);
  EXPECT_THAT(given_, ElementsAre(0, 1));
  Leave(2);
  EXPECT_THAT(given_, ElementsAre(0, 1, 2, 3));
}

TEST_F(AnswerOrderTest, AnAnswerMayStartAndAnswerOthers) {
  order_.Enter();
  order_.Enter();
  order_.Leave(0, [this] {
    given_.push_back(0);
    Leave(order_.Enter());
    Leave(1);
    EXPECT_THAT(given_, ElementsAre(0)) << "one answer is not given within another";
  });
  EXPECT_THAT(given_, ElementsAre(0, 1, 2));
}

TEST_F(AnswerOrderTest, NobodyWaitsForAnAnswerThatAnotherThreadIsGiving) {
  order_.Enter();
  order_.Enter();
  std::promise<void> giving;
  std::promise<void> go_on;
  std::thread other = StartThread("other", [&] {
    order_.Leave(0, [&] {
      giving.set_value();
      go_on.get_future().wait();
      given_.push_back(0);
    });
  });
  giving.get_future().wait();
  Leave(1);  // would never return, if it waited
  go_on.set_value();
  other.join();
  EXPECT_THAT(given_, ElementsAre(0, 1)) << "given by the thread that was at it";
}

TEST_F(AnswerOrderTest, ThreadsGiveEachAnswerOnceOneAtATimeInOrder) {
  constexpr size_t kThreads = 4;
  constexpr size_t kAnswers = 4000;
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < kAnswers; ++i) numbers.push_back(order_.Enter());
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(1));
  std::atomic<int> at_a_time{0};
  std::atomic<bool> overlapped{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.push_back(StartThread("answers", [&, t] {
      for (size_t i = t; i < kAnswers; i += kThreads) {
        order_.Leave(numbers[i], [&, number = numbers[i]] {
          if (++at_a_time > 1) overlapped = true;
          given_.push_back(number);
          --at_a_time;
        });
      }
    }));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(overlapped);
  std::vector<uint64_t> rising(kAnswers);
  std::iota(rising.begin(), rising.end(), 0);
  EXPECT_EQ(given_, rising);
}

}  // namespace
}  // namespace beak
