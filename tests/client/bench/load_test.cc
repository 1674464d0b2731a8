#include "client/bench/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "tests/client/fake_server.h"
#include "tests/support/status_matchers.h"

namespace beak::bench {
namespace {

using ::beak::testing::FakeServer;
using ::beak::testing::StatusIs;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    server_.infer = [this](grpc::ServerContext* context, const inference::ModelInferRequest& request, auto*) {
      if (request.model_name() != "m") return grpc::Status(grpc::StatusCode::NOT_FOUND, "who?");
      const std::lock_guard<std::mutex> lock(mutex_);
      peers_.insert(context->peer());
      return ++calls_ % 10 == 0 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "full") : grpc::Status::OK;
    };
    options_.server = server_.address();
    options_.duration = milliseconds(300);
    options_.body = Body("m");
  }

  static std::string Body(const std::string& model) {
    inference::ModelInferRequest request;
    request.set_model_name(model);
    return request.SerializeAsString();
  }

  Tally Run() {
    auto load = Load::Connect(options_);
    EXPECT_OK(load);
    (*load)->Start();
    while (Clock::Real().Now() < (*load)->end() || !(*load)->all_answered()) std::this_thread::yield();
    return (*load)->Finish();
  }

  std::mutex mutex_;
  std::set<std::string> peers_;
  int calls_ = 0;
  FakeServer server_;
  LoadOptions options_;
};

TEST_F(LoadTest, SaysWhenNobodyIsThere) {
  options_.server = "127.0.0.1:1";
  options_.connect_timeout = milliseconds(50);
  EXPECT_THAT(Load::Connect(options_), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("'127.0.0.1:1'")));
}

TEST_F(LoadTest, AProbeHasTheServersError) {
  EXPECT_OK((*Load::Connect(options_))->Probe());
  options_.body = Body("x");
  EXPECT_THAT((*Load::Connect(options_))->Probe(), StatusIs(absl::StatusCode::kNotFound, "who?"));
}

TEST_F(LoadTest, AClosedLoopGoesOnThroughErrors) {
  options_.concurrency = 4;
  options_.connections = 2;
  const Tally tally = Run();
  EXPECT_GT(tally.latency.count(), 20u);
  EXPECT_EQ(tally.answered, tally.latency.count());
  const uint64_t failed = tally.errors.at(absl::StatusCode::kUnavailable).latency.count();
  EXPECT_NEAR(static_cast<double>(failed), static_cast<double>(tally.requests) / 10, 5);
  EXPECT_EQ(tally.requests, tally.latency.count() + failed);
  EXPECT_EQ(peers_.size(), 2u);
}

TEST_F(LoadTest, AnOpenLoopSendsEveryArrivalOnce) {
  options_.rate = 1000;
  options_.arrival = Arrival::kConstant;
  const Tally tally = Run();
  EXPECT_EQ(tally.requests, 300u);
  EXPECT_EQ(calls_, 300);
}

TEST_F(LoadTest, AServerThatStandsStillDelaysArrivalsBeyondTheLimitButDropsNone) {
  std::promise<void> proceed;
  const auto may_proceed = proceed.get_future().share();
  server_.infer = [may_proceed, this](auto*, const auto&, auto*) {
    may_proceed.wait();
    const std::lock_guard<std::mutex> lock(mutex_);
    ++calls_;
    return grpc::Status::OK;
  };
  options_.rate = 1000;
  options_.arrival = Arrival::kConstant;
  options_.max_outstanding = 5;
  auto load = Load::Connect(options_);
  ASSERT_OK(load);
  (*load)->Start();
  while (Clock::Real().Now() < (*load)->end()) std::this_thread::yield();
  EXPECT_FALSE((*load)->all_answered());
  proceed.set_value();
  while (!(*load)->all_answered()) std::this_thread::yield();
  const Tally tally = (*load)->Finish();
  EXPECT_EQ(calls_, 300);
  EXPECT_EQ(tally.requests, 300u);
  EXPECT_EQ(tally.blocked, 295u);
  EXPECT_EQ(tally.answered, 0u) << "while counting went on";
  EXPECT_GE(tally.latency.max(), milliseconds(300)) << "measured from when they were due";
}

TEST_F(LoadTest, DeadlinesCountFromWhenARequestIsDue) {
  std::promise<void> proceed;
  const auto may_proceed = proceed.get_future().share();
  server_.infer = [may_proceed](auto*, const auto&, auto*) {
    may_proceed.wait();
    return grpc::Status::OK;
  };
  options_.rate = 50;
  options_.deadline = milliseconds(20);
  const Tally tally = Run();
  proceed.set_value();
  EXPECT_EQ(tally.errors.at(absl::StatusCode::kDeadlineExceeded).latency.count(), tally.requests);
  EXPECT_EQ(tally.in_time, 0u);
}

TEST_F(LoadTest, MayBeEndedBeforeItsTimeThoughNothingIsAnswered) {
  std::promise<void> proceed;
  const auto may_proceed = proceed.get_future().share();
  std::promise<void> called;
  server_.infer = [may_proceed, &called, this](auto*, const auto&, auto*) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (++calls_ == 1) called.set_value();
    }
    may_proceed.wait();
    return grpc::Status::OK;
  };
  options_.concurrency = 3;
  options_.duration = std::chrono::hours(1);
  auto load = Load::Connect(options_);
  ASSERT_OK(load);
  (*load)->Start();
  called.get_future().wait();
  const Tally tally = (*load)->Finish();
  proceed.set_value();
  EXPECT_TRUE(tally.interrupted);
  EXPECT_EQ(tally.requests, 0u) << "what is cut off is no result";
}

}  // namespace
}  // namespace beak::bench
