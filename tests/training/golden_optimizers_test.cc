// Three steps of every optimiser against PyTorch and Keras run for real (tests/golden/training).
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/job/described_training.h"
#include "engine/onednn/backend.h"
#include "engine/train/gradients.h"
#include "engine/train/optimizer.h"
#include "engine/train/trainer.h"
#include "engine/train/weight_average.h"
#include "tests/support/status_matchers.h"
#include "tests/training/golden.h"

namespace beak {
namespace {

using nlohmann::json;

OptimizerKind KindOf(const std::string& name) {
  for (const OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kAdagrad, OptimizerKind::kRmsProp,
                                   OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    if (name == NameOf(kind)) return kind;
  }
  EXPECT_EQ(name, "adadelta");
  return OptimizerKind::kAdadelta;
}

const std::map<std::string, double OptimizerOptions::*>& Numbers() {
  static const auto* const numbers = new std::map<std::string, double OptimizerOptions::*>{
      {"learning_rate", &OptimizerOptions::learning_rate},
      {"momentum", &OptimizerOptions::momentum},
      {"dampening", &OptimizerOptions::dampening},
      {"rho", &OptimizerOptions::rho},
      {"beta1", &OptimizerOptions::beta1},
      {"beta2", &OptimizerOptions::beta2},
      {"epsilon", &OptimizerOptions::epsilon},
      {"learning_rate_decay", &OptimizerOptions::learning_rate_decay},
      {"initial_accumulator", &OptimizerOptions::initial_accumulator},
      {"weight_decay", &OptimizerOptions::weight_decay},
  };
  return *numbers;
}

const std::map<std::string, bool OptimizerOptions::*>& Flags() {
  static const auto* const flags = new std::map<std::string, bool OptimizerOptions::*>{
      {"nesterov", &OptimizerOptions::nesterov},
      {"centered", &OptimizerOptions::centered},
      {"amsgrad", &OptimizerOptions::amsgrad},
  };
  return *flags;
}

// The defaults, with what the case says.
OptimizerOptions OptionsOf(Flavour flavour, const json& one) {
  OptimizerOptions options = DefaultOptions(flavour, KindOf(one["kind"]));
  for (const auto& [name, value] : one["options"].items()) {
    if (value.is_boolean()) {
      options.*Flags().at(name) = value.get<bool>();
    } else {
      options.*Numbers().at(name) = value.get<double>();
    }
  }
  return options;
}

ClipOptions ClipOf(Flavour flavour, const json& one) {
  if (!one.contains("clip")) return {flavour};
  const ClipKind kind = one["clip"] == "value"  ? ClipKind::kValue
                        : one["clip"] == "norm" ? ClipKind::kNorm
                                                : ClipKind::kGlobalNorm;
  return {flavour, kind, one["limit"]};
}

using Values = std::vector<std::vector<float>>;

std::vector<std::span<float>> Spans(Values& values) { return {values.begin(), values.end()}; }

// float32 rounds a value by 6e-8 of it at each step, and each of the ten or so operations that make the step by as much
// of the step; sums and differences of what has been rounded (means of squares, v - a^2) make a few times that. Keras
// rounds beta2 to float32 before it raises it to a power, whatever the type of its variables: 1 - 0.999^t is then off
// by 1.3e-5, and the root of it by half of that.
void ExpectClose(double actual, double expected, double start, Flavour flavour) {
  const double moved = std::abs(expected - start);
  EXPECT_NEAR(actual, expected, 2e-7 * std::abs(start) + (flavour == Flavour::kKeras ? 1e-5 : 3e-6) * moved);
}

struct Framework {
  Flavour flavour;
  const char* file;
};

class GoldenOptimizersTest : public ::testing::TestWithParam<Framework> {
 protected:
  // One case: the same steps, compared after each.
  void Follow(const json& golden, const json& one) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const OptimizerOptions options = OptionsOf(GetParam().flavour, one);
    std::vector<ParameterInfo> infos = {{"p0", {4}}, {"p1", {6}}};
    if (one.contains("excluded")) infos[one["excluded"][0]].weight_decay = false;
    ASSERT_OK_AND_ASSIGN(const auto optimizer, Optimizer::Create(options, infos));
    const WeightAverageOptions averaging = {one.value("average", 0.0)};
    ASSERT_OK_AND_ASSIGN(const auto average, WeightAverage::Create(averaging, infos));
    const int64_t accumulate = one.value("accumulate", int64_t{1});
    const Values start = golden["start"];
    Values values = start;
    GradientAccumulator accumulator;
    for (size_t t = 0; t < golden["gradients"].size(); ++t) {
      Values gradients = golden["gradients"][t];
      accumulator.Add(Spans(gradients));
      if (accumulator.count() == accumulate) {
        accumulator.TakeMean(Spans(gradients));
        const std::vector<std::span<float>> spans = Spans(gradients);
        ClipGradients(ClipOf(GetParam().flavour, one), GlobalNorm(spans), spans);
        const double rate = one.contains("rates") ? one["rates"][t].get<double>() : options.learning_rate;
        optimizer->Step(rate, std::vector<ParameterBytes>{{values[0], gradients[0]}, {values[1], gradients[1]}}, 1);
        average->Update(std::vector<std::span<const float>>{values[0], values[1]});
      }
      for (size_t p = 0; p < values.size(); ++p) {
        for (size_t i = 0; i < values[p].size(); ++i) {
          SCOPED_TRACE(::testing::Message() << "step " << t + 1 << ", parameter " << p << ", element " << i);
          ExpectClose(values[p][i], one["values"][t][p][i], start[p][i], GetParam().flavour);
          if (one.contains("averages"))
            ExpectClose(average->average(p)[i], one["averages"][t][p][i], start[p][i], GetParam().flavour);
        }
      }
    }
  }
};

TEST_P(GoldenOptimizersTest, TakeTheSameThreeSteps) {
  ASSERT_OK_AND_ASSIGN(const json golden, testing::ReadGoldenJson(std::string("optimizers_") + GetParam().file));
  EXPECT_GE(golden["cases"].size(), 30u);
  for (const json& one : golden["cases"]) Follow(golden, one);
}

// Everything together: gradients, optimiser, clipping, running statistics in the framework's convention.
TEST_P(GoldenOptimizersTest, TakeTheSameThreeStepsWithANetwork) {
  constexpr int64_t kRows = 4;
  const std::vector<float> image = testing::UniformByName("input", kRows * 2 * 6 * 5);
  const std::vector<int64_t> labels = testing::LabelsByName("labels", kRows, 3);
  const TrainingBatch batch = {kRows, {std::as_bytes(std::span(image))}, {std::as_bytes(std::span(labels))}};
  ASSERT_OK_AND_ASSIGN(const json golden, testing::ReadGoldenJson(std::string("steps_") + GetParam().file));
  for (const json& one : golden) {
    SCOPED_TRACE(one["name"].get<std::string>());
    ASSERT_OK_AND_ASSIGN(const DescribedNetwork network,
                         testing::ReadGoldenNetwork(std::string("steps_") + NameOf(GetParam().flavour)));
    TrainerOptions options;
    options.optimizer = OptionsOf(GetParam().flavour, one);
    options.clip = ClipOf(GetParam().flavour, one);
    options.training.losses = {{"dense"}};
    options.row_shapes = {{2, 6, 5}};
    options.batch_rows = kRows;
    TakeDescribedOptions(network, options);
    ASSERT_OK_AND_ASSIGN(const auto trainer, Trainer::Create(network.graph, options, CpuBackend()));
    for (const double loss : one["losses"]) {
      ASSERT_OK_AND_ASSIGN(const BatchReport report, trainer->Train(batch, options.optimizer.learning_rate));
      EXPECT_NEAR(report.loss, loss, 1e-5);
    }
    const Graph trained = trainer->Network();
    EXPECT_EQ(one["values"].size(), network.parameters.size());
    for (const auto& [name, expected] : one["values"].items()) {
      const Tensor* actual = trained.ConstantOf(trained.FindValue(name));
      ASSERT_NE(actual, nullptr) << name;
      // Gradients come with errors of up to 1e-5, which Adam's division by their own size keeps.
      EXPECT_LE(testing::RelativeError(actual->values<float>(), expected.get<std::vector<float>>()), 1e-5) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, GoldenOptimizersTest,
                         ::testing::Values(Framework{Flavour::kPyTorch, "pytorch.json"},
                                           Framework{Flavour::kKeras, "keras.json"}),
                         [](const auto& one) { return std::string(NameOf(one.param.flavour)); });

}  // namespace
}  // namespace beak
