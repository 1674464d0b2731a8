#include "engine/job/training_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/job/job_spec.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

using ::testing::ElementsAre;

v1::Training Parse(const std::string& training) { return ParseJob("training { " + training + " }")->training(); }

template <typename Shape>
Shape ShapeOf(const std::string& schedule, int64_t positions = 100) {
  const Schedule options = ToOptions(Parse("schedule { " + schedule + " }").schedule(), 0.5, positions);
  EXPECT_TRUE(std::holds_alternative<Shape>(options.shape)) << schedule;
  return std::get<Shape>(options.shape);
}

TEST(ToOptionsTest, AnOptimiserIsKerasAdamByDefault) {
  const OptimizerOptions options = ToOptions(v1::Optimizer());
  EXPECT_EQ(options.kind, OptimizerKind::kAdam);
  EXPECT_EQ(options.flavour, Flavour::kKeras);
  EXPECT_EQ(options.epsilon, 1e-7);
}

TEST(ToOptionsTest, OptimisersHaveTheDefaultsOfTheirFlavour) {
  const std::pair<const char*, OptimizerKind> kinds[] = {
      {"ADAM", OptimizerKind::kAdam},       {"ADAMW", OptimizerKind::kAdamW},
      {"SGD", OptimizerKind::kSgd},         {"RMSPROP", OptimizerKind::kRmsProp},
      {"ADAGRAD", OptimizerKind::kAdagrad}, {"ADADELTA", OptimizerKind::kAdadelta}};
  for (const auto& [name, kind] : kinds) {
    for (const auto& [flavour_name, flavour] : {std::pair("KERAS", Flavour::kKeras), {"PYTORCH", Flavour::kPyTorch}}) {
      const OptimizerOptions options =
          ToOptions(Parse(std::string("optimizer { kind: ") + name + " flavour: " + flavour_name + " }").optimizer());
      const OptimizerOptions expected = DefaultOptions(flavour, kind);
      EXPECT_EQ(options.kind, kind);
      EXPECT_EQ(options.flavour, flavour);
      EXPECT_EQ(options.learning_rate, expected.learning_rate) << name;
      EXPECT_EQ(options.epsilon, expected.epsilon) << name;
      EXPECT_EQ(options.weight_decay, expected.weight_decay) << name;
    }
  }
}

TEST(ToOptionsTest, EveryNumberOfAnOptimiserIsTaken) {
  const OptimizerOptions options = ToOptions(
      Parse("optimizer { learning_rate: 1 momentum: 2 dampening: 3 nesterov: true rho: 4 centered: true beta1: 5 "
            "beta2: 6 amsgrad: true epsilon: 7 learning_rate_decay: 8 initial_accumulator: 9 weight_decay: 10 }")
          .optimizer());
  EXPECT_THAT((std::vector<double>{options.learning_rate, options.momentum, options.dampening, options.rho,
                                   options.beta1, options.beta2, options.epsilon, options.learning_rate_decay,
                                   options.initial_accumulator, options.weight_decay}),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_TRUE(options.nesterov && options.centered && options.amsgrad);
}

TEST(ToOptionsTest, AScheduleIsConstantByDefault) {
  const Schedule options = ToOptions(v1::LearningRateSchedule(), 0.5, 100);
  EXPECT_TRUE(std::holds_alternative<ConstantRate>(options.shape));
  EXPECT_EQ(options.base_rate, 0.5);
  EXPECT_EQ(options.unit, ScheduleUnit::kStep);
  EXPECT_EQ(options.warmup, 0);
}

TEST(ToOptionsTest, LengthsOfZeroAreWhatTheWarmUpLeaves) {
  EXPECT_EQ(ShapeOf<CosineDecay>("cosine {}").length, 100);
  EXPECT_EQ(ShapeOf<CosineDecay>("warmup: 10 cosine {}").length, 90);
  EXPECT_EQ(ShapeOf<LinearFactor>("warmup: 10 linear {}").length, 90);
  EXPECT_EQ(ShapeOf<PolynomialDecay>("polynomial {}").length, 100);
  EXPECT_EQ(ShapeOf<OneCycle>("one_cycle {}").length, 100);
  EXPECT_EQ(ShapeOf<CosineDecay>("warmup: 10 cosine { length: 7 }").length, 7);
  EXPECT_EQ(ShapeOf<CosineDecay>("warmup: 1000 cosine {}").length, 1) << "a warm-up longer than the training";
  EXPECT_EQ(ShapeOf<CosineDecay>("cosine { length: -7 }").length, -7) << "for Validate to see";
}

TEST(ToOptionsTest, EveryNumberOfAScheduleIsTaken) {
  const auto step = ShapeOf<StepDecay>("step { every: 3 }");
  EXPECT_EQ(step.every, 3);
  EXPECT_EQ(step.gamma, 0.1);
  EXPECT_EQ(ShapeOf<StepDecay>("step { every: 3 gamma: 0.5 }").gamma, 0.5);
  const auto multi = ShapeOf<MultiStepDecay>("multi_step { milestone: [1, 5] gamma: 0.5 }");
  EXPECT_THAT(multi.milestones, ElementsAre(1, 5));
  EXPECT_EQ(multi.gamma, 0.5);
  const auto constant = ShapeOf<PiecewiseConstant>("piecewise_constant { boundary: [2, 4] rate: [0.25, 0.125] }");
  EXPECT_THAT(constant.boundaries, ElementsAre(2, 4));
  EXPECT_THAT(constant.rates, ElementsAre(0.25, 0.125));
  const auto exponential = ShapeOf<ExponentialDecay>("exponential { gamma: 0.5 every: 4 staircase: true }");
  EXPECT_EQ(exponential.gamma, 0.5);
  EXPECT_EQ(exponential.every, 4);
  EXPECT_TRUE(exponential.staircase);
  EXPECT_EQ(ShapeOf<ExponentialDecay>("exponential {}").every, 1);
  const auto linear = ShapeOf<LinearFactor>("linear { start: 0.5 end: 0.25 }");
  EXPECT_EQ(linear.start, 0.5);
  EXPECT_EQ(linear.end, 0.25);
  EXPECT_EQ(ShapeOf<LinearFactor>("linear {}").start, 1.0 / 3);
  const auto polynomial = ShapeOf<PolynomialDecay>("polynomial { end_rate: 0.5 power: 2 }");
  EXPECT_EQ(polynomial.end_rate, 0.5);
  EXPECT_EQ(polynomial.power, 2);
  const auto cosine = ShapeOf<CosineDecay>("cosine { flavour: PYTORCH end_fraction: 0.5 }");
  EXPECT_EQ(cosine.flavour, Flavour::kPyTorch);
  EXPECT_EQ(cosine.end_fraction, 0.5);
  const auto restarts = ShapeOf<CosineRestarts>(
      "cosine_restarts { first_length: 3 length_factor: 2 peak_factor: 0.5 end_fraction: 0.1 }");
  EXPECT_EQ(restarts.first_length, 3);
  EXPECT_EQ(restarts.length_factor, 2);
  EXPECT_EQ(restarts.peak_factor, 0.5);
  EXPECT_EQ(restarts.end_fraction, 0.1);
  const auto cycle = ShapeOf<OneCycle>("one_cycle { rise: 0.25 div: 10 final_div: 100 linear: true }");
  EXPECT_EQ(cycle.rise, 0.25);
  EXPECT_EQ(cycle.div, 10);
  EXPECT_EQ(cycle.final_div, 100);
  EXPECT_TRUE(cycle.linear);
  const Schedule warm = ToOptions(Parse("schedule { unit: EPOCH warmup: 2 warmup_start: 0.5 }").schedule(), 1, 9);
  EXPECT_EQ(warm.unit, ScheduleUnit::kEpoch);
  EXPECT_EQ(warm.warmup, 2);
  EXPECT_EQ(warm.warmup_start, 0.5);
}

TEST(ToOptionsTest, EveryNumberOfAPlateauIsTaken) {
  const PlateauOptions options =
      ToOptions(Parse("schedule { plateau { flavour: PYTORCH factor: 0.5 patience: 0 threshold: 0 cooldown: 2 "
                      "min_rate: 0.25 } }")
                    .schedule()
                    .plateau(),
                Goal::kMaximize);
  EXPECT_EQ(options.flavour, Flavour::kPyTorch);
  EXPECT_EQ(options.goal, Goal::kMaximize);
  EXPECT_EQ(options.factor, 0.5);
  EXPECT_EQ(options.patience, 0);
  EXPECT_EQ(options.threshold, 0);
  EXPECT_EQ(options.cooldown, 2);
  EXPECT_EQ(options.min_rate, 0.25);
  EXPECT_EQ(ToOptions(v1::Plateau(), Goal::kMinimize).patience, 10);
}

TEST(ToOptionsTest, LossesAndClipsHaveTheirKinds) {
  EXPECT_EQ(ToOptions(Parse("loss {}").loss(0)).kind, Loss::Kind::kSoftmaxCrossEntropy);
  EXPECT_EQ(ToOptions(Parse("loss {}").loss(0)).weight, 1);
  EXPECT_EQ(ToOptions(Parse("loss { kind: BINARY_CROSS_ENTROPY }").loss(0)).kind, Loss::Kind::kBinaryCrossEntropy);
  EXPECT_EQ(ToOptions(Parse("loss { kind: MEAN_SQUARED_ERROR }").loss(0)).kind, Loss::Kind::kMeanSquaredError);
  EXPECT_EQ(ToOptions(Parse("clip {}").clip()).kind, ClipKind::kGlobalNorm);
  EXPECT_EQ(ToOptions(Parse("clip { kind: NORM }").clip()).kind, ClipKind::kNorm);
  EXPECT_EQ(ToOptions(Parse("clip { kind: VALUE limit: 2 }").clip()).kind, ClipKind::kValue);
  EXPECT_EQ(ToOptions(Parse("clip { kind: VALUE limit: 2 }").clip()).limit, 2);
  EXPECT_EQ(ToOptions(v1::WeightAverage()).decay, 0.999);
}

}  // namespace
}  // namespace beak
