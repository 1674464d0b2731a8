#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <deque>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/models/manager.h"
#include "server/models/preparer.h"
#include "server/observe/tracer.h"
#include "server/predict/predictor.h"
#include "tests/server/support/inline_scheduler.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::testing {

template <typename T>
std::vector<T> Values(const OutputTensor& output) {
  std::vector<T> values(output.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), output.data.data(), output.data.size());
  return values;
}

// A Predictor over a repository of its own, without threads: the scheduler runs what it is told to.
class PredictorFixture : public ::testing::Test {
 protected:
  // Serves what has been written to `dir_`.
  void Load() {
    predictor_.reset();
    auto models = ModelManager::Create({dir_.path(), {}, 1}, metrics_);
    ASSERT_OK(models);
    models_ = *std::move(models);
    models_->LoadAll(CancelToken());
    predictor_ = std::make_unique<Predictor>(Predictor::Options{1}, Parts(*models_));
  }
  Predictor::Parts Parts(const ModelManager& models) {
    return {models, scheduler_, preparer_, metrics_, *tracer_, clock_};
  }

  template <typename T>
  InputTensor Input(const char* name, DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
    const auto* begin = reinterpret_cast<const std::byte*>(values.data());
    buffers_.emplace_back(begin, begin + values.size() * sizeof(T));
    return {name, dtype, std::move(shape), buffers_.back()};
  }

  // What the request is answered with; it must be before Start returns.
  absl::StatusOr<PredictResponse> Predict(const PredictRequest& request) {
    absl::StatusOr<PredictResponse> answer = absl::InternalError("not answered");
    int answers = 0;
    predictor_->Start(request, [&](absl::StatusOr<PredictResponse> response) {
      answer = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return answer;
  }

  // Requests that may be answered later, numbered from 0.
  struct Answer {
    absl::StatusOr<PredictResponse> response = absl::InternalError("not answered");
    int answers = 0;
  };
  void StartRequest(const PredictRequest& request) {
    const size_t number = answers_.size();
    answers_.emplace_back();
    predictions_.push_back(predictor_->Start(request, [this, number](absl::StatusOr<PredictResponse> response) {
      answers_[number].response = std::move(response);
      ++answers_[number].answers;
      order_.push_back(number);
    }));
  }
  // The values of the first output of the answer to one of them, which must have been given once.
  template <typename T>
  std::vector<T> Given(size_t request) {
    EXPECT_EQ(answers_[request].answers, 1) << request;
    EXPECT_OK(answers_[request].response) << request;
    return answers_[request].response.ok() ? Values<T>(answers_[request].response->outputs[0]) : std::vector<T>();
  }

  VersionStatistics Statistics(const std::string& model) {
    const auto version = models_->snapshot()->Find(model, "");
    EXPECT_OK(version);
    return (*version)->observer().statistics();
  }

  const TempDir dir_;
  FakeClock clock_;
  Metrics metrics_{"test"};
  // Returns when all that was handed to the preparer before has been done, what came of it included: the larger
  // programs of a shape come after the first one.
  void AwaitPreparer() {
    for (int round = 0; round < 2; ++round) {
      const auto done = std::make_shared<std::promise<void>>();
      ASSERT_TRUE(preparer_.Enqueue(Preparer::Urgency::kWhenever, [done](const CancelToken&) { done->set_value(); }));
      done->get_future().wait();
    }
  }

  InlineScheduler scheduler_;
  Preparer preparer_;
  std::unique_ptr<Tracer> tracer_ = std::make_unique<Tracer>();
  std::unique_ptr<ModelManager> models_;
  std::unique_ptr<Predictor> predictor_;
  std::list<std::vector<std::byte>> buffers_;
  std::deque<Answer> answers_;
  std::vector<std::shared_ptr<Prediction>> predictions_;
  std::vector<size_t> order_;  // in which they were answered
};

}  // namespace beak::testing
