#include "server/models/ensemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/config.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::StatusIs;

using absl::StatusCode;

const std::string kInput = "input { name: 'x' data_type: TYPE_FP32 dims: [2] } ";
const std::string kOutput = "output { name: 'y' data_type: TYPE_FP32 dims: [2] } ";

absl::StatusOr<std::shared_ptr<const Ensemble>> Make(const std::string& config) {
  ASSIGN_OR_RETURN(const ConfigFile file, ParseConfig(config, "config.pbtxt"));
  EXPECT_EQ(DescribesEnsemble(*file.config), config.find("step") != std::string::npos ||
                                                 config.find("ensemble_scheduling") != std::string::npos ||
                                                 config.find("averaging") != std::string::npos);
  return MakeEnsemble(*file.config);
}

// A step of model m that makes one tensor of another.
std::string Step(const std::string& from, const std::string& to) {
  return absl::StrCat("step { model_name: 'm' input_map { key: 'in' value: '", from,
                      "' } output_map { key: 'out' value: '", to, "' } } ");
}
std::string Pipeline(const std::string& steps) {
  return absl::StrCat(kInput, kOutput, "ensemble_scheduling { ", steps, " }");
}
std::string Averaging(const std::string& members) {
  return absl::StrCat(kInput, kOutput, "beak { averaging { ", members, " } }");
}

TEST(EnsembleTest, OrdinaryModelsAreNone) {
  for (const char* config : {"", "dynamic_batching {}", "beak { weight: 2 }"}) {
    ASSERT_OK_AND_ASSIGN(const auto ensemble, Make(config));
    EXPECT_EQ(ensemble, nullptr) << config;
  }
}

TEST(EnsembleTest, APipelineHasItsStepsInTheirOrder) {
  ASSERT_OK_AND_ASSIGN(const auto ensemble, Make(kInput + kOutput + R"(ensemble_scheduling {
      step { model_name: 'head' model_version: -1
             input_map { key: 'b' value: 'u' } input_map { key: 'a' value: 'v' }
             output_map { key: 'o' value: 'y' } }
      step { model_name: 'body' model_version: 3
             input_map { key: 'i' value: 'x' }
             output_map { key: 'q' value: 'v' } output_map { key: 'p' value: 'u' } } })"));
  EXPECT_FALSE(ensemble->average);
  ASSERT_EQ(ensemble->steps.size(), 2u);
  EXPECT_EQ(ensemble->steps[0].model, "head");
  EXPECT_EQ(ensemble->steps[0].version, "") << "the newest";
  EXPECT_THAT(ensemble->steps[0].inputs, ElementsAre(Pair("a", "v"), Pair("b", "u")));
  EXPECT_THAT(ensemble->steps[0].outputs, ElementsAre(Pair("o", "y")));
  EXPECT_EQ(ensemble->steps[1].version, "3");
  EXPECT_THAT(ensemble->steps[1].outputs, ElementsAre(Pair("p", "u"), Pair("q", "v")));
}

TEST(EnsembleTest, PipelinesThatCanRun) {
  const struct {
    const char* name;
    std::string steps;
  } cases[] = {
      {"one step", Step("x", "y")},
      {"a chain that is written backwards", Step("b", "y") + Step("a", "b") + Step("x", "a")},
      {"one tensor for two", Step("x", "a") + Step("a", "b") + Step("a", "y")},
      {"a step that takes nothing", Step("x", "y") + "step { model_name: 'm' output_map { key: 'out' value: 'z' } }"},
  };
  for (const auto& c : cases) EXPECT_OK(Make(Pipeline(c.steps))) << c.name;
}

TEST(EnsembleTest, PipelinesThatCouldNeverRunAreRefused) {
  const struct {
    const char* name;
    std::string config;
    StatusCode code;
    std::string says;
  } cases[] = {
      {"no steps", Pipeline(""), StatusCode::kInvalidArgument, "expected a step"},
      {"no model", Pipeline("step { output_map { key: 'out' value: 'y' } }"), StatusCode::kInvalidArgument,
       "ensemble_scheduling.step 1 (model ''): expected a model_name"},
      {"no outputs of a step", Pipeline(Step("x", "y") + "step { model_name: 'k' }"), StatusCode::kInvalidArgument,
       "step 2 (model 'k'): expected an output_map"},
      {"models elsewhere", Pipeline("step { model_name: 'm' model_namespace: 'n' output_map { key: 'a' value: 'y' } }"),
       StatusCode::kUnimplemented, "model_namespace"},
      {"made by two", Pipeline(Step("x", "y") + Step("x", "y")), StatusCode::kInvalidArgument,
       "step 2 (model 'm'): output_map: expected a new tensor, got 'y' again"},
      {"made by the client already", Pipeline(Step("x", "x") + Step("x", "y")), StatusCode::kInvalidArgument,
       "expected a new tensor, got 'x' again"},
      {"an output that nobody makes", Pipeline(Step("x", "z")), StatusCode::kInvalidArgument,
       "output 'y': expected a tensor that a step gives"},
      {"an input that nobody makes", Pipeline(Step("x", "a") + Step("b", "y")), StatusCode::kInvalidArgument,
       "step 2 (model 'm'): input_map: tensor 'b'"},
      {"a circle", Pipeline(Step("b", "a") + Step("a", "b") + Step("x", "y")), StatusCode::kInvalidArgument,
       "step 1 (model 'm'): input_map: tensor 'b'"},
      {"a step that feeds itself", Pipeline(Step("y", "y")), StatusCode::kInvalidArgument, "tensor 'y'"},
      {"no inputs", kOutput + "ensemble_scheduling { " + Step("x", "y") + "}", StatusCode::kInvalidArgument,
       "expected inputs and outputs"},
      {"no outputs", kInput + "ensemble_scheduling { " + Step("x", "y") + "}", StatusCode::kInvalidArgument,
       "expected inputs and outputs"},
  };
  for (const auto& c : cases) EXPECT_THAT(Make(c.config), StatusIs(c.code, HasSubstr(c.says))) << c.name;
}

TEST(EnsembleTest, AnAverageGivesEachMemberTheInputsAndTakesTheOutputs) {
  ASSERT_OK_AND_ASSIGN(
      const auto ensemble,
      Make(Averaging("member { model_name: 'a' } member { model_name: 'b' model_version: 2 weight: 3 }")));
  EXPECT_TRUE(ensemble->average);
  ASSERT_EQ(ensemble->steps.size(), 2u);
  for (const Ensemble::Step& step : ensemble->steps) {
    EXPECT_THAT(step.inputs, ElementsAre(Pair("x", "x")));
    EXPECT_THAT(step.outputs, ElementsAre(Pair("y", "y")));
  }
  EXPECT_EQ(ensemble->steps[0].version, "");
  EXPECT_EQ(ensemble->steps[1].version, "2");
  EXPECT_THAT(ensemble->steps[0].weight, DoubleEq(0.25)) << "no weight is a weight of 1";
  EXPECT_THAT(ensemble->steps[1].weight, DoubleEq(0.75));
}

TEST(EnsembleTest, AveragesThatMakeNoSenseAreRefused) {
  const struct {
    const char* name;
    std::string config;
    std::string says;
  } cases[] = {
      {"no members", Averaging(""), "expected a member"},
      {"no model", Averaging("member { model_name: 'a' } member { weight: 1 }"),
       "averaging.member 2 (model ''): expected a model_name"},
      {"below 0", Averaging("member { model_name: 'a' weight: -1 }"), "member 1 (model 'a'): weight"},
      {"no number", Averaging("member { model_name: 'a' weight: nan }"), "weight"},
      {"without end", Averaging("member { model_name: 'a' weight: inf }"), "weight"},
      {"too heavy together",
       Averaging("member { model_name: 'a' weight: 1e308 } member { model_name: 'b' weight: 1e308 }"), "add up"},
      {"no outputs", kInput + "beak { averaging { member { model_name: 'a' } } }", "expected inputs and outputs"},
      {"both", Pipeline(Step("x", "y")) + "beak { averaging { member { model_name: 'a' } } }", "got both"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Make(c.config), StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.says))) << c.name;
  }
}

}  // namespace
}  // namespace beak
