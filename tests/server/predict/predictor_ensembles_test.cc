// Ensembles as the Predictor runs them, on networks that are real.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/retry_after.h"
#include "tests/server/predict/predictor_fixture.h"
#include "tests/server/support/ensemble_text.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::In;
using testing::InlineScheduler;
using ::testing::Not;
using testing::Out;
using ::testing::StartsWith;
using testing::StatusIs;
using testing::Step;
using ::testing::UnorderedElementsAre;
using testing::Values;

using std::chrono::milliseconds;

constexpr int kInt32 = 6, kFloat16 = 10;  // ONNX's numbers

class EnsembleTest : public testing::PredictorFixture {
 protected:
  EnsembleTest() {
    dir_.Write("double/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("triple/1/model.onnx", testing::ScaleNetwork(3));
    dir_.Write("simple/1/model.onnx", testing::SimpleNetwork());
    for (const char* name : {"left", "right"}) {
      dir_.Write(absl::StrCat(name, "/1/model.onnx"), testing::IdentityNetwork(kInt32, {-1, 16}));
    }
    // sum = a + b and diff = a - b go separate ways, then: twice_a = sum + diff, twice_b = sum - diff.
    const char* const type = "TYPE_INT32";
    AddEnsemble("diamond",
                In("a", type, "[16]") + In("b", type, "[16]") + Out("twice_a", type, "[16]") +
                    Out("twice_b", type, "[16]") + "ensemble_scheduling { " +
                    Step("simple", {{"INPUT0", "left2"}, {"INPUT1", "right2"}},
                         {{"OUTPUT0", "twice_a"}, {"OUTPUT1", "twice_b"}}) +
                    Step("left", {{"x", "sum"}}, {{"y", "left2"}}) + Step("right", {{"x", "diff"}}, {{"y", "right2"}}) +
                    Step("simple", {{"INPUT0", "a"}, {"INPUT1", "b"}}, {{"OUTPUT0", "sum"}, {"OUTPUT1", "diff"}}) +
                    "}");
    AddEnsemble("sixfold", In("x") + Out("y") + "ensemble_scheduling { " + Step("double", {{"x", "x"}}, {{"y", "h"}}) +
                               Step("triple", {{"x", "h"}}, {{"y", "y"}}) + "}");
    AddEnsemble("mean", In("x") + Out("y") +
                            "beak { averaging { member { model_name: 'double' weight: 1 } "
                            "member { model_name: 'triple' weight: 3 } } }");
  }

  void AddEnsemble(const std::string& name, const std::string& config,
                   const std::string& batch = "max_batch_size: 8 ") {
    dir_.Write(name + "/config.pbtxt", batch + config);
    std::filesystem::create_directories(dir_ / (name + "/1"));
  }
  PredictRequest Floats(const std::string& model, const std::vector<float>& values = {1, 10}) {
    PredictRequest request;
    request.model = model;
    request.inputs = {Input<float>("x", DType::kFloat32, {static_cast<int64_t>(values.size()) / 2, 2}, values)};
    request.received = clock_.Now();
    return request;
  }
  PredictRequest Diamond(int32_t a, int32_t b) {
    PredictRequest request;
    request.model = "diamond";
    request.inputs = {Input<int32_t>("b", DType::kInt32, {1, 16}, std::vector<int32_t>(16, b)),
                      Input<int32_t>("a", DType::kInt32, {1, 16}, std::vector<int32_t>(16, a))};
    request.received = clock_.Now();
    return request;
  }
  // The models of the tasks that wait.
  std::multiset<std::string> Waiting() const {
    std::multiset<std::string> models;
    for (const auto& task : scheduler_.held) models.insert(task->workload().options().model);
    return models;
  }
  // The one task of this model that waits; others go on waiting.
  std::shared_ptr<Task> Take(const std::string& model) {
    InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
    std::shared_ptr<Task> taken;
    for (const auto& task : tasks) {
      if (!taken && task->workload().options().model == model) {
        taken = task;
      } else {
        scheduler_.held.push_back(task);
      }
    }
    EXPECT_NE(taken, nullptr) << model;
    return taken;
  }
  void Run(const std::string& model) { InlineScheduler::RunBatch({Take(model)}); }
};

TEST_F(EnsembleTest, APipelineThatIsAnsweredAtOnce) {
  Load();
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(Floats("sixfold", {1, 10, 2, 20})));
  EXPECT_EQ(response.model, "sixfold");
  EXPECT_EQ(response.version, 1);
  ASSERT_EQ(response.outputs.size(), 1u);
  EXPECT_EQ(response.outputs[0].name, "y");
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(6, 60, 12, 120));
}

TEST_F(EnsembleTest, ADiamondThatIsAnsweredAtOnce) {
  Load();
  PredictRequest request = Diamond(7, 3);
  ASSERT_OK_AND_ASSIGN(PredictResponse response, Predict(request));
  ASSERT_EQ(response.outputs.size(), 2u);
  EXPECT_EQ(response.outputs[0].name, "twice_a");
  EXPECT_EQ(Values<int32_t>(response.outputs[0]), std::vector<int32_t>(16, 14));
  EXPECT_EQ(Values<int32_t>(response.outputs[1]), std::vector<int32_t>(16, 6));

  request.outputs = {{"twice_b", 0}};
  ASSERT_OK_AND_ASSIGN(response, Predict(request));
  ASSERT_EQ(response.outputs.size(), 1u);
  EXPECT_EQ(response.outputs[0].name, "twice_b");
}

TEST_F(EnsembleTest, StepsRunInAnyOrderOnceWhatTheyTakeIsThere) {
  Load();
  scheduler_.hold = true;
  for (const bool left_first : {true, false}) {
    const size_t number = answers_.size();
    StartRequest(Diamond(7, 3));
    EXPECT_THAT(Waiting(), ElementsAre("simple")) << "the others need what it gives";
    Run("simple");
    EXPECT_THAT(Waiting(), UnorderedElementsAre("left", "right")) << "both at the same time";
    Run(left_first ? "left" : "right");
    EXPECT_EQ(Waiting().size(), 1u);
    Run(left_first ? "right" : "left");
    EXPECT_EQ(answers_[number].answers, 0);
    EXPECT_THAT(Waiting(), ElementsAre("simple"));
    Run("simple");
    EXPECT_EQ(Given<int32_t>(number), std::vector<int32_t>(16, 14));
    EXPECT_EQ(Values<int32_t>(answers_[number].response->outputs[1]), std::vector<int32_t>(16, 6));
  }
}

TEST_F(EnsembleTest, StepsOfDifferentRequestsAreBatched) {
  Load();
  scheduler_.hold = true;
  StartRequest(Floats("sixfold", {1, 10}));
  StartRequest(Floats("sixfold", {2, 20}));
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_THAT(Waiting(), ElementsAre("triple", "triple"));
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_THAT(Given<float>(0), ElementsAre(6, 60));
  EXPECT_THAT(Given<float>(1), ElementsAre(12, 120));
  EXPECT_EQ(Statistics("triple").execution_count, 1u);
}

TEST_F(EnsembleTest, AFailureStopsTheOthersAndIsAnsweredOnceNoneRuns) {
  Load();
  scheduler_.hold = true;
  StartRequest(Diamond(7, 3));
  Run("simple");
  Take("left")->Refuse(absl::UnavailableError("no room"), Refusal::kQueueFull);
  EXPECT_EQ(answers_[0].answers, 0) << "the right one still reads the request's memory";
  const std::shared_ptr<Task> right = Take("right");
  EXPECT_TRUE(right->cancelled());
  InlineScheduler::RunBatch({right});
  EXPECT_EQ(answers_[0].answers, 1);
  EXPECT_THAT(answers_[0].response, StatusIs(absl::StatusCode::kUnavailable,
                                             AllOf(HasSubstr("step 2 (model 'left')"), HasSubstr("no room"))));
  EXPECT_THAT(scheduler_.held, ElementsAre()) << "nothing more was started";
  EXPECT_EQ(Statistics("diamond").fail.count, 1u);
}

TEST_F(EnsembleTest, AStepThatFailsAtOnceFailsTheRequestAtOnce) {
  AddEnsemble("broken", In("x") + Out("y") + "ensemble_scheduling { " + Step("double", {{"x", "x"}}, {{"y", "h"}}) +
                            Step("nobody", {{"x", "h"}}, {{"y", "y"}}) + "}");
  Load();
  EXPECT_THAT(Predict(Floats("broken")),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("step 2 (model 'nobody')"), HasSubstr("Request for unknown model"))));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_requests_total{model="broken",outcome="not_found",version="1"} 1)"));
}

TEST_F(EnsembleTest, AHintWhenToTryAgainIsKept) {
  Load();
  scheduler_.hold = true;
  StartRequest(Floats("sixfold"));
  Run("double");
  Take("triple")->Refuse(WithRetryAfter(absl::UnavailableError("full"), milliseconds(70)), Refusal::kQueueFull);
  EXPECT_EQ(RetryAfter(answers_[0].response.status()), milliseconds(70));
}

TEST_F(EnsembleTest, CancelReachesWhatRunsAndNothingIsStartedAfterIt) {
  Load();
  scheduler_.hold = true;
  StartRequest(Diamond(7, 3));
  Run("simple");
  predictions_[0]->Cancel();
  Run("left");
  EXPECT_EQ(answers_[0].answers, 0);
  Run("right");
  EXPECT_EQ(answers_[0].answers, 1);
  EXPECT_THAT(answers_[0].response, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(Waiting(), ElementsAre());
}

TEST_F(EnsembleTest, CancelWhileAStepIsBeingStartedReachesThatStep) {
  Load();
  scheduler_.hold = true;
  StartRequest(Floats("sixfold"));
  scheduler_.on_submit = [&] { predictions_[0]->Cancel(); };
  Run("double");
  const std::shared_ptr<Task> step = Take("triple");
  EXPECT_TRUE(step->cancelled());
  InlineScheduler::RunBatch({step});
  EXPECT_THAT(answers_[0].response, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(answers_[0].answers, 1);
}

TEST_F(EnsembleTest, StepsShareTheDeadline) {
  Load();
  scheduler_.hold = true;
  PredictRequest request = Floats("sixfold");
  request.deadline = clock_.Now() + milliseconds(10);
  request.priority = 3;
  StartRequest(request);
  EXPECT_EQ(scheduler_.held[0]->deadline(), request.deadline);
  EXPECT_EQ(scheduler_.held[0]->priority(), 3u);
  clock_.Advance(milliseconds(9));
  Run("double");
  EXPECT_EQ(scheduler_.held[0]->deadline(), request.deadline);
  EXPECT_EQ(scheduler_.held[0]->arrived(), clock_.Now()) << "it waits from now on";
  clock_.Advance(milliseconds(1));
  Run("triple");
  EXPECT_THAT(answers_[0].response, StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("step 2")));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_executed_late_total 0"));
}

TEST_F(EnsembleTest, StepsAfterTheFirstContinueARequest) {
  AddEnsemble("nested",
              In("x") + Out("y") + "ensemble_scheduling { " + Step("sixfold", {{"x", "x"}}, {{"y", "y"}}) + "}");
  AddEnsemble("twice", In("x") + Out("y") + "ensemble_scheduling { " + Step("sixfold", {{"x", "x"}}, {{"y", "h"}}) +
                           Step("sixfold", {{"x", "h"}}, {{"y", "y"}}) + "}");
  Load();
  scheduler_.hold = true;
  StartRequest(Floats("double"));
  ASSERT_EQ(scheduler_.held.size(), 1u);
  EXPECT_FALSE(scheduler_.held[0]->continues());
  Run("double");
  for (const char* ensemble : {"sixfold", "nested"}) {
    StartRequest(Floats(ensemble));
    for (const std::string step : {"double", "triple"}) {
      ASSERT_EQ(scheduler_.held.size(), 1u) << ensemble << " " << step;
      EXPECT_EQ(scheduler_.held[0]->continues(), step == "triple") << ensemble << " " << step;
      Run(step);
    }
  }
  EXPECT_THAT(Given<float>(1), ElementsAre(6, 60));
  EXPECT_THAT(Given<float>(2), ElementsAre(6, 60));

  StartRequest(Floats("twice"));
  for (const bool continues : {false, true, true, true}) {
    ASSERT_EQ(scheduler_.held.size(), 1u);
    EXPECT_EQ(scheduler_.held[0]->continues(), continues);
    InlineScheduler::RunBatch(scheduler_.TakeHeld());
  }
  StartRequest(Floats("mean"));
  ASSERT_EQ(scheduler_.held.size(), 2u);
  const auto first = Take("double"), second = Take("triple");
  EXPECT_FALSE(first->continues());
  EXPECT_TRUE(second->continues()) << "the other member has been started";
  for (const auto& task : {first, second}) InlineScheduler::RunBatch({task});
}

TEST_F(EnsembleTest, TheDefaultDeadlineOfTheEnsembleIsThatOfItsSteps) {
  AddEnsemble("hurried", "beak { default_deadline_microseconds: 5000 } " + In("x") + Out("y") +
                             "ensemble_scheduling { " + Step("double", {{"x", "x"}}, {{"y", "y"}}) + "}");
  Load();
  scheduler_.hold = true;
  const PredictRequest request = Floats("hurried");
  StartRequest(request);
  EXPECT_EQ(scheduler_.held[0]->deadline(), request.received + milliseconds(5));
  Run("double");
  EXPECT_THAT(Given<float>(0), ElementsAre(2, 20));
}

TEST_F(EnsembleTest, ClassesOfAnOutput) {
  dir_.Write("named/labels.txt", "left\nright\n");
  AddEnsemble("named", In("x") + "output { name: 'y' data_type: TYPE_FP32 dims: [2] label_filename: 'labels.txt' } " +
                           "ensemble_scheduling { " + Step("double", {{"x", "x"}}, {{"y", "y"}}) + "}");
  Load();
  for (const char* model : {"named", "mean"}) {
    PredictRequest request = Floats(model, {1, 10, 5, 4});
    request.outputs = {{"y", 1}};
    ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
    EXPECT_EQ(response.outputs[0].dtype, std::nullopt);
    EXPECT_THAT(response.outputs[0].shape, ElementsAre(2, 1));
    if (std::string(model) == "named") {
      EXPECT_THAT(response.outputs[0].strings, ElementsAre("20:1:right", "10:0:left"));
    } else {
      EXPECT_THAT(response.outputs[0].strings, ElementsAre("27.5:1", "13.75:0"));
    }
  }
}

TEST_F(EnsembleTest, ClassesWithoutABatchDimension) {
  AddEnsemble("alone",
              In("x", "TYPE_FP32", "[1, 2]") + Out("y", "TYPE_FP32", "[1, 2]") + "ensemble_scheduling { " +
                  Step("double", {{"x", "x"}}, {{"y", "y"}}) + "}",
              "");
  Load();
  PredictRequest request = Floats("alone");
  request.outputs = {{"y", 1}};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(1));
  EXPECT_THAT(response.outputs[0].strings, ElementsAre("20:1"));
}

TEST_F(EnsembleTest, AnAverageIsWeighted) {
  Load();
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(Floats("mean", {1, 10, 2, 20})));
  EXPECT_EQ(response.model, "mean");
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(2.75, 27.5, 5.5, 55));
}

TEST_F(EnsembleTest, MembersOfAnAverageRunAtTheSameTimeAndInAnyOrder) {
  Load();
  scheduler_.hold = true;
  StartRequest(Floats("mean"));
  EXPECT_THAT(Waiting(), UnorderedElementsAre("double", "triple"));
  Run("triple");
  EXPECT_EQ(answers_[0].answers, 0);
  Run("double");
  EXPECT_THAT(Given<float>(0), ElementsAre(2.75, 27.5));
}

TEST_F(EnsembleTest, AverageOfVersionsOfOneModel) {
  dir_.Write("double/2/model.onnx", testing::ScaleNetwork(4));
  dir_.Write("double/config.pbtxt", "version_policy { all {} }");
  AddEnsemble("versions", In("x") + Out("y") +
                              "beak { averaging { member { model_name: 'double' model_version: 1 } "
                              "member { model_name: 'double' model_version: 2 } } }");
  Load();
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(Floats("versions")));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(3, 30));
}

TEST_F(EnsembleTest, AnAverageKeepsItsType) {
  for (const char* name : {"half1", "half2"}) {
    dir_.Write(absl::StrCat(name, "/1/model.onnx"), testing::IdentityNetwork(kFloat16, {-1, 2}));
  }
  AddEnsemble("halves", In("x", "TYPE_FP16") + Out("y", "TYPE_FP16") +
                            "beak { averaging { member { model_name: 'half1' } member { model_name: 'half2' } } }");
  Load();
  PredictRequest request;
  request.model = "halves";
  request.inputs = {Input<uint16_t>("x", DType::kFloat16, {1, 2}, {0x3c00, 0xc000})};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  EXPECT_EQ(response.outputs[0].dtype, DType::kFloat16);
  EXPECT_THAT(Values<uint16_t>(response.outputs[0]), ElementsAre(0x3c00, 0xc000));
}

TEST_F(EnsembleTest, AMemberThatFailsFailsTheAverage) {
  Load();
  scheduler_.hold = true;
  StartRequest(Floats("mean"));
  Take("triple")->Refuse(absl::DeadlineExceededError("late"), Refusal::kHopeless);
  Run("double");
  EXPECT_EQ(answers_[0].answers, 1);
  EXPECT_THAT(answers_[0].response,
              StatusIs(absl::StatusCode::kDeadlineExceeded, StartsWith("member 2 (model 'triple'): late")));
}

TEST_F(EnsembleTest, WhatIsGivenMustBeWhatWasDeclared) {
  const auto twice = [&](const std::string& name, const std::string& output) {
    AddEnsemble(name, In("x") + output + "ensemble_scheduling { " + Step("double", {{"x", "x"}}, {{"y", "y"}}) + "}");
  };
  twice("other_type", Out("y", "TYPE_FP16"));
  twice("other_size", Out("y", "TYPE_FP32", "[3]"));
  twice("free_size", Out("y", "TYPE_FP32", "[-1]"));
  Load();
  EXPECT_THAT(Predict(Floats("other_type")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("output 'y'"), HasSubstr("FP16 of shape [1, 2], got FP32 of shape [1, 2]"))));
  EXPECT_THAT(Predict(Floats("other_size")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[1, 3]")));
  EXPECT_OK(Predict(Floats("free_size")));
}

TEST_F(EnsembleTest, AnAnswerHasAsManyRowsAsItsRequest) {
  dir_.Write("pairs/1/model.onnx", testing::PairsNetwork());  // four rows for two: served unbatched
  AddEnsemble("rows", In("x", "TYPE_FP32", "[1]") + Out("y", "TYPE_FP32", "[1]") + "ensemble_scheduling { " +
                          Step("pairs", {{"x", "x"}}, {{"y", "y"}}) + "}");
  Load();
  scheduler_.hold = true;
  PredictRequest request;
  request.model = "rows";
  request.inputs = {Input<float>("x", DType::kFloat32, {2, 1}, {3, 5})};
  request.outputs = {{"y", 1}};
  StartRequest(request);
  AwaitPreparer();
  Run("pairs");
  EXPECT_THAT(answers_[0].response,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got FP32 of shape [4, 1]")));
}

TEST_F(EnsembleTest, EnsemblesInEnsembles) {
  AddEnsemble("outer", In("x") + Out("y") + "ensemble_scheduling { " + Step("sixfold", {{"x", "x"}}, {{"y", "h"}}) +
                           Step("mean", {{"x", "h"}}, {{"y", "y"}}) + "}");
  Load();
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(Floats("outer")));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(16.5, 165));

  scheduler_.hold = true;
  StartRequest(Floats("outer"));
  Run("double");
  predictions_[0]->Cancel();
  Run("triple");
  EXPECT_EQ(answers_[0].answers, 1);
  EXPECT_THAT(answers_[0].response,
              StatusIs(absl::StatusCode::kCancelled, AllOf(HasSubstr("model 'sixfold'"), HasSubstr("model 'triple'"))));
}

TEST_F(EnsembleTest, CirclesEnd) {
  AddEnsemble("circle", In("x") + Out("y") + "ensemble_scheduling { " + Step("circle", {{"x", "x"}}, {{"y", "y"}}) +
                            Step("circle", {{"x", "x"}}, {{"y", "z"}}) + "}");
  Load();
  EXPECT_THAT(Predict(Floats("circle")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("in each other")));
  EXPECT_EQ(Statistics("circle").fail.count, 10u) << "once at each depth, not twice as many at each";
}

TEST_F(EnsembleTest, EightInEachOtherAreNoCircle) {
  std::string inner = "double";
  for (int i = 0; i < 8; ++i) {
    const std::string outer = absl::StrCat("level", i);
    AddEnsemble(outer, In("x") + Out("y") + "ensemble_scheduling { " + Step(inner, {{"x", "x"}}, {{"y", "y"}}) + "}");
    inner = outer;
  }
  Load();
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(Floats(inner)));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(2, 20));
}

TEST_F(EnsembleTest, ItIsCountedAsItsStepsAre) {
  Load();
  EXPECT_OK(Predict(Floats("sixfold", {1, 2, 3, 4})));
  for (const char* model : {"sixfold", "double", "triple"}) {
    const VersionStatistics statistics = Statistics(model);
    EXPECT_EQ(statistics.success.count, 1u) << model;
    EXPECT_EQ(statistics.inference_count, 2u) << model;
  }
  EXPECT_EQ(Statistics("sixfold").execution_count, 0u) << "it has no network";
  EXPECT_GT(Statistics("sixfold").last_inference_ms, 0u);
  EXPECT_EQ(Statistics("mean").last_inference_ms, 0u);

  scheduler_.hold = true;
  StartRequest(Floats("sixfold"));
  clock_.Advance(milliseconds(3));
  Run("double");
  clock_.Advance(milliseconds(4));
  Run("triple");
  EXPECT_OK(answers_[0].response);
  EXPECT_EQ(Statistics("sixfold").queue.ns, 3'000'000u) << "until a lane took its first step";
  EXPECT_EQ(Statistics("sixfold").compute_infer.count, 2u);
}

TEST_F(EnsembleTest, ItMissesItsDeadlineWhereItsStepDoes) {
  AddEnsemble("outer",
              In("x") + Out("y") + "ensemble_scheduling { " + Step("sixfold", {{"x", "x"}}, {{"y", "y"}}) + "}");
  dir_.Write("slow/1/model.onnx", testing::SlowNetwork(256, 200));
  AddEnsemble("long", In("x", "TYPE_FP32", "[256]") + Out("y", "TYPE_FP32", "[256]") + "ensemble_scheduling { " +
                          Step("slow", {{"x", "x"}}, {{"y", "y"}}) + "}");
  Load();
  scheduler_.hold = true;
  const auto misses = [&](const std::string& model, const std::string& place) {
    const std::string series =
        absl::StrCat("beak_deadline_misses_total{model=\"", model, "\",place=\"", place, "\",version=\"1\"} ");
    const std::string text = metrics_.Text();
    const size_t at = text.find(series);
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + series.size()));
  };
  const auto start = [&](milliseconds deadline) {
    PredictRequest request = Floats("outer");
    request.deadline = clock_.Now() + deadline;
    StartRequest(request);
  };
  start(milliseconds(0));
  EXPECT_EQ(misses("outer", "arrival"), 1) << "no step was started";
  start(milliseconds(10));
  Run("double");
  Take("triple")->Refuse(absl::DeadlineExceededError("hopeless"), Refusal::kHopeless);
  for (const char* model : {"outer", "sixfold", "triple"}) {
    EXPECT_EQ(misses(model, "queue"), 1) << model << ": though its first step ran";
    EXPECT_THAT(metrics_.Text(),
                HasSubstr(absl::StrCat("beak_refusals_total{model=\"", model, "\",reason=\"hopeless\"")));
  }
  PredictRequest request = Floats("long", std::vector<float>(256, 1));
  request.inputs[0].shape = {1, 256};
  request.deadline = clock_.Now() + std::chrono::microseconds(10);  // the clock stands still: too little for the rest
  StartRequest(request);
  Run("slow");
  EXPECT_EQ(misses("slow", "run"), 1);
  EXPECT_EQ(misses("long", "run"), 1);
}

TEST_F(EnsembleTest, RequestsAreCheckedAgainstWhatItDeclares) {
  Load();
  PredictRequest request = Floats("sixfold");
  request.inputs[0].name = "z";
  EXPECT_THAT(Predict(request),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("model 'sixfold'"), HasSubstr("input 'z'"), Not(HasSubstr("step")))));
}

}  // namespace
}  // namespace beak
