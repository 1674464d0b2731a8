#include "server/grpc/watch_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kEnough = 1 << 20;

v1::TrainJobUpdate Job(v1::TrainJob::State state) {
  v1::TrainJobUpdate update;
  update.mutable_job()->set_state(state);
  return update;
}
v1::TrainJobUpdate Progress(int64_t step) {
  v1::TrainJobUpdate update;
  update.mutable_progress()->set_step(step);
  return update;
}
v1::TrainJobUpdate Epoch(int64_t epoch) {
  v1::TrainJobUpdate update;
  update.mutable_epoch()->set_epoch(epoch);
  return update;
}
v1::TrainJobUpdate Notice(const std::string& text) {
  v1::TrainJobUpdate update;
  update.set_notice(text);
  return update;
}

std::string Word(const v1::TrainJobUpdate& update) {
  if (update.has_job()) return v1::TrainJob::State_Name(update.job().state());
  if (update.has_progress()) return absl::StrCat("step ", update.progress().step());
  if (update.has_epoch()) return absl::StrCat("epoch ", update.epoch().epoch());
  return update.notice();
}

// All that waits.
std::vector<std::string> TakeAll(WatchQueue& queue) {
  std::vector<std::string> words;
  while (const std::optional<v1::TrainJobUpdate> update = queue.Take()) words.push_back(Word(*update));
  return words;
}

TEST(WatchQueueTest, OfProgressOnlyTheNewestWaits) {
  WatchQueue queue(kEnough);
  for (const auto& update :
       {Job(v1::TrainJob::RUNNING), Progress(1), Epoch(0), Progress(2), Notice("n"), Progress(3)}) {
    queue.Add(update);
  }
  EXPECT_THAT(TakeAll(queue), ElementsAre("RUNNING", "epoch 0", "n", "step 3"));
  queue.Add(Progress(4));
  EXPECT_THAT(TakeAll(queue), ElementsAre("step 4"));
  EXPECT_EQ(queue.end(), std::nullopt);
}

TEST(WatchQueueTest, AJobThatHasEndedIsTheLastUpdate) {
  for (const v1::TrainJob::State state : {v1::TrainJob::SUCCEEDED, v1::TrainJob::FAILED, v1::TrainJob::CANCELLED}) {
    WatchQueue queue(kEnough);
    queue.Add(Job(v1::TrainJob::QUEUED));
    queue.Add(Job(v1::TrainJob::PUBLISHING));
    queue.Add(Job(state));
    queue.Add(Notice("late"));
    queue.End(absl::UnavailableError("late too"));
    EXPECT_EQ(queue.end(), std::nullopt) << "it has not been sent";
    EXPECT_THAT(TakeAll(queue), ElementsAre("QUEUED", "PUBLISHING", v1::TrainJob::State_Name(state)));
    EXPECT_EQ(queue.end(), absl::OkStatus());
  }
}

TEST(WatchQueueTest, EndsWhenAllHasBeenSent) {
  WatchQueue queue(kEnough);
  queue.Add(Epoch(3));
  queue.End(absl::UnavailableError("over"));
  queue.Add(Epoch(4));
  EXPECT_EQ(queue.end(), std::nullopt);
  EXPECT_THAT(TakeAll(queue), ElementsAre("epoch 3"));
  EXPECT_EQ(queue.end(), absl::UnavailableError("over"));
}

TEST(WatchQueueTest, WhoIsTooSlowIsSentAway) {
  WatchQueue queue(10'000);
  for (int i = 0; i < 9; ++i) queue.Add(Notice(std::string(800, 'x')));
  EXPECT_EQ(queue.end(), std::nullopt);
  queue.Add(Notice(std::string(800, 'x')));
  EXPECT_THAT(TakeAll(queue), IsEmpty()) << "it is of no use without what is missing";
  ASSERT_TRUE(queue.end().has_value());
  EXPECT_THAT(*queue.end(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("10000 bytes")));
}

TEST(WatchQueueTest, WhatHasBeenSentWaitsNoMore) {
  WatchQueue queue(10'000);
  for (int i = 0; i < 1000; ++i) {
    queue.Add(Notice(std::string(800, 'x')));
    queue.Add(Progress(i));
    ASSERT_EQ(TakeAll(queue).size(), 2u) << i;
  }
}

TEST(WatchQueueTest, ProgressAloneIsNeverTooMuch) {
  WatchQueue queue(10'000);
  for (int i = 0; i < 1000; ++i) queue.Add(Progress(i));
  EXPECT_THAT(TakeAll(queue), ElementsAre("step 999"));
}

TEST(WatchQueueTest, OneUpdateMayBeAsLargeAsItIs) {
  WatchQueue queue(100);
  queue.Add(Notice(std::string(50'000, 'x')));
  ASSERT_TRUE(queue.Take().has_value());
  EXPECT_EQ(queue.end(), std::nullopt);
}

TEST(WatchQueueTest, NothingIsSentWhereNobodyListens) {
  WatchQueue queue(kEnough);
  queue.Add(Epoch(0));
  queue.Abandon();
  EXPECT_FALSE(queue.Take().has_value());
  EXPECT_TRUE(queue.end().has_value());
}

}  // namespace
}  // namespace beak
