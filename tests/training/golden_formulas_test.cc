// Learning rates, losses and initial values against PyTorch and Keras run for real (tests/golden/training).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "engine/graph/text.h"
#include "engine/initializers/initializer.h"
#include "engine/onednn/backend.h"
#include "engine/train/plateau.h"
#include "engine/train/schedule.h"
#include "engine/train/training_step.h"
#include "tests/support/status_matchers.h"
#include "tests/training/golden.h"

namespace beak {
namespace {

using nlohmann::json;

struct Framework {
  Flavour flavour;
  const char* file;
};

class GoldenFormulasTest : public ::testing::TestWithParam<Framework> {
 protected:
  absl::StatusOr<json> Read(const std::string& what) { return testing::ReadGoldenJson(what + GetParam().file); }
};

// ---------------------------------------------------------------- learning rates

ScheduleShape ShapeOf(Flavour flavour, const std::string& kind, const json& f) {
  const int64_t length = f.value("length", int64_t{5});
  if (kind == "step") return StepDecay{f["every"], f["gamma"]};
  if (kind == "multi_step") return MultiStepDecay{f["milestones"], f["gamma"]};
  if (kind == "piecewise") return PiecewiseConstant{f["boundaries"], f["rates"]};
  if (kind == "exponential") return ExponentialDecay{f["gamma"], f.value("every", 1.0), f.value("staircase", false)};
  if (kind == "linear") return LinearFactor{f.value("start", 1.0 / 3), f.value("end", 1.0), length};
  if (kind == "polynomial") return PolynomialDecay{length, f.value("end_rate", 0.0), f.value("power", 1.0)};
  if (kind == "cosine") return CosineDecay{flavour, length, f.value("end_fraction", 0.0)};
  if (kind == "restarts") {
    return CosineRestarts{f["first_length"], f.value("length_factor", 1.0), f.value("peak_factor", 1.0),
                          f.value("end_fraction", 0.0)};
  }
  EXPECT_EQ(kind, "one_cycle");
  return OneCycle{length, f.value("rise", 0.3), f.value("div", 25.0), f.value("final_div", 1e4),
                  f.value("linear", false)};
}

// PyTorch computes in double but step by step, Keras in float32.
double Rounding(Flavour flavour) { return flavour == Flavour::kPyTorch ? 1e-12 : 1e-6; }

TEST_P(GoldenFormulasTest, SchedulesGiveTheSameRates) {
  ASSERT_OK_AND_ASSIGN(const json golden, Read("schedules_"));
  const double base = golden["base"];
  for (const json& one : golden["schedules"]) {
    SCOPED_TRACE(one["kind"].get<std::string>() + one["fields"].dump());
    const json& fields = one["fields"];
    const Schedule schedule = {ScheduleUnit::kStep, base, ShapeOf(GetParam().flavour, one["kind"], fields),
                               fields.value("warmup", int64_t{0}), fields.value("warmup_start", 0.0)};
    ASSERT_TRUE(Validate(schedule).empty());
    for (size_t s = 0; s < one["rates"].size(); ++s) {
      const double rate = LearningRateAt(schedule, {.step = static_cast<int64_t>(s)});
      EXPECT_NEAR(rate, one["rates"][s].get<double>(), base * Rounding(GetParam().flavour)) << "at " << s;
    }
  }
}

TEST_P(GoldenFormulasTest, PlateausLowerTheRateAtTheSameTime) {
  ASSERT_OK_AND_ASSIGN(const json golden, Read("schedules_"));
  for (const json& one : golden["plateaus"]) {
    SCOPED_TRACE(one["fields"].dump());
    const json& fields = one["fields"];
    PlateauOptions options = {GetParam().flavour};
    if (fields.contains("goal")) options.goal = Goal::kMaximize;
    options.factor = fields["factor"];
    options.patience = fields["patience"];
    options.threshold = fields.value("threshold", options.threshold);
    options.cooldown = fields.value("cooldown", int64_t{0});
    options.min_rate = fields.value("min_rate", 0.0);
    Plateau plateau(options, golden["base"]);
    for (size_t i = 0; i < golden["metrics"].size(); ++i) {
      plateau.Observe(golden["metrics"][i]);
      const double expected = one["rates"][i];
      EXPECT_NEAR(plateau.rate(), expected, expected * Rounding(GetParam().flavour)) << "after " << i;
    }
  }
}

// ---------------------------------------------------------------- losses

Loss LossOf(const json& one) {
  Loss loss{"y"};
  if (one["kind"] == "binary") loss.kind = Loss::Kind::kBinaryCrossEntropy;
  if (one["kind"] == "squared") loss.kind = Loss::Kind::kMeanSquaredError;
  loss.label_smoothing = one.value("label_smoothing", 0.0f);
  if (one.contains("class_weights")) loss.class_weights = one["class_weights"].get<std::vector<float>>();
  if (one.contains("ignore_index")) loss.ignore_index = one["ignore_index"].get<int64_t>();
  return loss;
}

std::vector<float> Flat(const json& rows) {
  std::vector<float> values;
  for (const json& row : rows) values.insert(values.end(), row.begin(), row.end());
  return values;
}

// The gradient of a bias for each element, added to zeros, is the loss's own.
TEST_P(GoldenFormulasTest, LossesAndTheirGradientsAreTheSame) {
  ASSERT_OK_AND_ASSIGN(const json golden, Read("losses_"));
  const std::vector<float> logits = Flat(golden["logits"]), targets = Flat(golden["targets"]);
  const std::vector<int64_t> labels = golden["labels"];
  const Shape shape = {static_cast<int64_t>(golden["logits"].size()), static_cast<int64_t>(labels.size())};
  ASSERT_OK_AND_ASSIGN(Graph graph, ParseGraph("graph g\ninput x float32 [1, 4, 5]\nconst b float32 [4, 5] = fill 0.0\n"
                                               "y = Add(x, b)\noutput y"));
  for (const json& one : golden["cases"]) {
    SCOPED_TRACE(one.dump());
    TrainingOptions options;
    options.losses = {LossOf(one)};
    ASSERT_OK_AND_ASSIGN(const auto step, TrainingStep::Create(graph, 1, {options, {shape}, 1}, CpuBackend()));
    const std::vector<float> zeros(logits.size());
    const std::span<const std::byte> target =
        one["kind"] == "softmax" ? std::as_bytes(std::span(labels)) : std::as_bytes(std::span(targets));
    const Tensor values[] = {Tensor::Of<float>(shape, logits)};
    ASSERT_OK(step->Run({1, {std::as_bytes(std::span(zeros))}, {target}}, 0, values));
    EXPECT_NEAR(step->loss(), one["loss"].get<double>(), 1e-6 * std::max(1.0, one["loss"].get<double>()));
    const std::vector<float> gradient = Flat(one["gradient"]);
    EXPECT_LE(testing::RelativeError(step->gradient(0), gradient), 1e-6);
  }
}

// ---------------------------------------------------------------- initial values

WeightGeometry GeometryOf(const json& one) {
  static const auto* const roles = new std::map<std::string, WeightRole>{
      {"dense", WeightRole::kDense},
      {"convolution", WeightRole::kConvolution},
      {"depthwise", WeightRole::kDepthwise},
      {"transposed", WeightRole::kTransposedConvolution},
  };
  return {roles->at(one[0]), one[1], one[2], one[3], one[4]};
}

TEST_P(GoldenFormulasTest, FansAreCountedAlike) {
  ASSERT_OK_AND_ASSIGN(const json golden, Read("initializers_"));
  for (const json& one : golden["fans"]) {
    const Fans fans = FansOf(GetParam().flavour, GeometryOf(one["geometry"]));
    EXPECT_EQ(fans.in, one["fans"][0].get<double>()) << one.dump();
    EXPECT_EQ(fans.out, one["fans"][1].get<double>()) << one.dump();
  }
}

Initializer NamedInitializer(Flavour flavour, const std::string& name) {
  if (name == "default") return DefaultWeightInitializer(flavour, WeightRole::kDense);
  if (name == "embedding") return DefaultWeightInitializer(flavour, WeightRole::kEmbedding);
  if (name == "glorot_uniform") return GlorotUniform();
  if (name == "glorot_normal") return GlorotNormal(flavour);
  if (name == "he_uniform") return HeUniform();
  if (name == "he_normal") return HeNormal(flavour);
  if (name == "he_normal_fan_out") return KaimingNormal(GainOf(Nonlinearity::kRelu), FanMode::kOut);
  if (name == "lecun_uniform") return LecunUniform();
  if (name == "lecun_normal") return LecunNormal();
  EXPECT_EQ(name, "orthogonal");
  return OrthogonalInit{1.5};
}

// The streams of random numbers are others, the distributions the same. Two samples of 147,456 numbers: their standard
// deviations differ by less than 1 % (five times the deviation of the difference), the largest of a distribution that
// is cut by less than 1 %; the largest of a normal one, by less than a quarter.
TEST_P(GoldenFormulasTest, InitialValuesAreDistributedAlike) {
  ASSERT_OK_AND_ASSIGN(const json golden, Read("initializers_"));
  const Shape shape = golden["shape"];
  const Fans fans = FansOf(GetParam().flavour, {WeightRole::kDense, shape[1], shape[0]});
  for (const json& one : golden["moments"]) {
    SCOPED_TRACE(one.dump());
    std::vector<float> values(static_cast<size_t>(NumElements(shape)));
    Initialize(NamedInitializer(GetParam().flavour, one["name"]), fans, shape, 1, "weight", values);
    double squares = 0, largest = 0;
    for (const double value : values) {
      squares += value * value;
      largest = std::max(largest, std::abs(value));
    }
    const double stddev = one["stddev"], expected_largest = one["largest"];
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), stddev, 0.01 * stddev);
    EXPECT_NEAR(largest, expected_largest, (expected_largest < 3 * stddev ? 0.01 : 0.25) * expected_largest);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, GoldenFormulasTest,
                         ::testing::Values(Framework{Flavour::kPyTorch, "pytorch.json"},
                                           Framework{Flavour::kKeras, "keras.json"}),
                         [](const auto& one) { return std::string(NameOf(one.param.flavour)); });

}  // namespace
}  // namespace beak
