#include "server/predict/ensemble_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/thread.h"
#include "server/models/config.h"
#include "server/models/load.h"
#include "tests/server/predict/predictor_fixture.h"
#include "tests/server/support/ensemble_text.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::In;
using testing::Out;
using testing::StatusIs;
using testing::Step;

class FakeStep final : public Prediction {
 public:
  explicit FakeStep(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  void Cancel() override { cancel_(); }

 private:
  const std::function<void()> cancel_;
};

class EnsembleCallTest : public ::testing::Test {
 protected:
  // As many steps that take x, all at the same time, and one that takes what they give.
  std::shared_ptr<const ModelVersion> Fan(int width) {
    std::vector<std::pair<std::string, std::string>> all;
    std::string steps;
    for (int i = 0; i < width; ++i) {
      const std::string tensor = absl::StrCat("t", i);
      steps += Step("fan", {{"x", "x"}}, {{"y", tensor}});
      all.emplace_back(tensor, tensor);
    }
    steps += Step("join", all, {{"y", "y"}});
    VersionSource source;
    source.model = "e";
    const auto config = ParseConfig(In("x") + Out("y") + "ensemble_scheduling { " + steps + "}", "config.pbtxt");
    EXPECT_OK(config);
    source.config = *config;
    auto version = LoadVersion(source, 1, metrics_);
    EXPECT_OK(version);
    return *std::move(version);
  }
  std::shared_ptr<EnsembleCall> Call(const std::shared_ptr<const ModelVersion>& version, EnsembleCall::StartStep start,
                                     PredictDone done) {
    PredictRequest request;
    request.inputs = {{"x", DType::kFloat32, {2}, std::as_bytes(std::span(kValues))}};
    ValidRequest valid;
    valid.outputs = {{0, 0}};
    return std::make_shared<EnsembleCall>(version, request, valid, std::move(start), clock_, std::move(done));
  }
  static PredictResponse Answer() { return {"", 1, {{"y", DType::kFloat32, {2}, std::string(8, '\0'), {}}}}; }

  static constexpr float kValues[2] = {1, 2};
  testing::FakeClock clock_;
  Metrics metrics_{"test"};
};

TEST_F(EnsembleCallTest, CancelBetweenStepsIsAnswered) {
  std::vector<PredictDone> steps;
  int answers = 0;
  absl::Status answer;
  const auto call = Call(
      Fan(1),
      [&](const PredictRequest&, PredictDone done) {
        steps.push_back(std::move(done));
        return std::make_shared<FakeStep>([] {});  // comes too late to stop anything
      },
      [&](auto response) {
        answer = response.status();
        ++answers;
      });
  call->Start();
  ASSERT_EQ(steps.size(), 1u);
  call->Cancel();
  EXPECT_EQ(answers, 0) << "the step reads the request's memory";
  steps[0](Answer());
  EXPECT_EQ(steps.size(), 1u) << "no other is started";
  EXPECT_EQ(answers, 1);
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kCancelled, HasSubstr("between the steps")));
}

TEST_F(EnsembleCallTest, NothingHoldsItOnceItIsAnswered) {
  std::vector<PredictDone> steps;
  std::weak_ptr<EnsembleCall> weak;
  {
    const auto call = Call(
        Fan(2),
        [&](const PredictRequest&, PredictDone done) {
          steps.push_back(std::move(done));
          return std::make_shared<FakeStep>([] {});
        },
        [](auto) {});
    weak = call;
    call->Start();
  }
  for (size_t i = 0; i < steps.size(); ++i) std::exchange(steps[i], nullptr)(Answer());
  EXPECT_EQ(steps.size(), 3u);
  EXPECT_TRUE(weak.expired());
}

TEST_F(EnsembleCallTest, CancelBeforeTheStartIsAnsweredToo) {
  int answers = 0;
  const auto call = Call(
      Fan(1),
      [](const PredictRequest&, const PredictDone&) -> std::shared_ptr<Prediction> {
        ADD_FAILURE() << "nothing is to be started";
        return nullptr;
      },
      [&](auto response) {
        EXPECT_THAT(response, StatusIs(absl::StatusCode::kCancelled));
        ++answers;
      });
  call->Cancel();
  call->Start();
  EXPECT_EQ(answers, 1);
}

// Two threads that end steps at the same time must not take the other's successor for one that has been run.
TEST_F(EnsembleCallTest, StepsThatEndAtTheSameTimeStartWhatTakesBoth) {
  const std::shared_ptr<const ModelVersion> version = Fan(2);
  for (int round = 0; round < 3000; ++round) {
    Mutex mutex;
    std::vector<PredictDone> steps;
    std::atomic<int> answers{0};
    const auto call = Call(
        version,
        [&](const PredictRequest&, PredictDone done) {
          MutexLock lock(mutex);
          steps.push_back(std::move(done));
          return std::make_shared<FakeStep>([] {});
        },
        [&](auto response) {
          EXPECT_OK(response);
          ++answers;
        });
    call->Start();
    ASSERT_EQ(steps.size(), 2u);
    const PredictDone first = steps[0];
    const PredictDone second = steps[1];
    std::atomic<int> ready{0};
    const auto end = [&](const PredictDone& step) {
      ++ready;
      while (ready < 2) std::this_thread::yield();
      step(Answer());
    };
    std::thread other = StartThread("other", [&] { end(second); });
    end(first);
    other.join();
    ASSERT_EQ(answers, 0) << round;
    ASSERT_EQ(steps.size(), 3u) << round;
    steps[2](Answer());
    ASSERT_EQ(answers, 1) << round;
  }
}

// Each step is answered on a thread of its own, well or badly, at once or later, while another one cancels.
TEST_F(EnsembleCallTest, AnsweredOnceWhateverThreadsDo) {
  const std::shared_ptr<const ModelVersion> version = Fan(4);
  std::mt19937 random(1);
  std::set<absl::StatusCode> outcomes;
  for (int round = 0; round < 300; ++round) {
    Mutex mutex;
    std::vector<std::thread> threads;
    std::vector<int> choices;
    for (int i = 0; i < 5; ++i) choices.push_back(static_cast<int>(random() % 8));
    std::atomic<size_t> started{0};
    std::atomic<int> answers{0};
    std::atomic<int> running{0};
    std::atomic<int> running_at_answer{0};
    absl::StatusCode outcome = absl::StatusCode::kUnknown;
    const auto start = [&](const PredictRequest&, PredictDone done) -> std::shared_ptr<Prediction> {
      ++running;
      const int choice = choices[started++ % choices.size()];
      const auto answer = [&running, choice, done = std::move(done)] {
        --running;
        if (choice == 1) return done(absl::UnavailableError("full"));
        done(Answer());
      };
      if (choice == 0) {
        answer();
        return nullptr;
      }
      MutexLock lock(mutex);
      threads.push_back(StartThread("step", answer));
      return std::make_shared<FakeStep>([] {});
    };
    const auto call = Call(version, start, [&](auto response) {
      outcome = response.status().code();
      running_at_answer = running.load();
      ++answers;
    });
    std::thread cancels;
    if (round % 4 == 0) cancels = StartThread("cancel", [&] { call->Cancel(); });
    call->Start();
    if (cancels.joinable()) cancels.join();
    // The last step may be started by a thread of another.
    for (size_t i = 0;; ++i) {
      std::thread next;
      {
        MutexLock lock(mutex);
        if (i == threads.size()) break;
        next = std::move(threads[i]);
      }
      next.join();
    }
    ASSERT_EQ(answers, 1) << round;
    ASSERT_EQ(running_at_answer, 0) << round;
    outcomes.insert(outcome);
  }
  EXPECT_THAT(outcomes,
              AllOf(::testing::Contains(absl::StatusCode::kOk), ::testing::Contains(absl::StatusCode::kUnavailable)));
}

}  // namespace
}  // namespace beak
