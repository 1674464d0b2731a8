#include "engine/train/optimizer_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using enum Flavour;
using enum OptimizerKind;

TEST(OptimizerOptionsTest, DefaultsAreValid) {
  for (const Flavour flavour : {kPyTorch, kKeras}) {
    for (const OptimizerKind kind : {kSgd, kAdagrad, kRmsProp, kAdam, kAdamW, kAdadelta}) {
      EXPECT_THAT(Validate(DefaultOptions(flavour, kind)), IsEmpty()) << NameOf(flavour) << " " << NameOf(kind);
    }
  }
}

// What the golden trajectories do not show.
TEST(OptimizerOptionsTest, DefaultsOfEachFlavour) {
  EXPECT_EQ(DefaultOptions(kPyTorch, kSgd).learning_rate, 1e-3);
  EXPECT_EQ(DefaultOptions(kKeras, kSgd).learning_rate, 1e-2);
  const OptimizerOptions torch_adadelta = DefaultOptions(kPyTorch, kAdadelta);
  EXPECT_EQ(torch_adadelta.learning_rate, 1);
  EXPECT_EQ(torch_adadelta.rho, 0.9);
  EXPECT_EQ(torch_adadelta.epsilon, 1e-6);
  const OptimizerOptions keras_adadelta = DefaultOptions(kKeras, kAdadelta);
  EXPECT_EQ(keras_adadelta.learning_rate, 1e-3);
  EXPECT_EQ(keras_adadelta.rho, 0.95);
  EXPECT_EQ(keras_adadelta.epsilon, 1e-7);
}

TEST(OptimizerOptionsTest, EveryWrongFieldIsNamed) {
  OptimizerOptions options = DefaultOptions(kPyTorch, kAdam);
  options.learning_rate = -1;
  options.beta1 = 1;
  options.beta2 = std::nan("");
  options.epsilon = 0;
  options.weight_decay = HUGE_VAL;
  EXPECT_THAT(
      Validate(options),
      ElementsAre("learning_rate: expected a number in [0, 1e30], got -1", "beta1: expected a number in [0, 1), got 1",
                  "beta2: expected a number in [0, 1), got nan", "epsilon: expected a number in [1e-30, 1e30], got 0",
                  "weight_decay: expected a number in [0, 1e30], got inf"));
}

TEST(OptimizerOptionsTest, WhatAKindHasNoUseForMustBeLeftOut) {
  OptimizerOptions options = DefaultOptions(kKeras, kAdam);
  options.momentum = 0.9;
  options.centered = true;
  EXPECT_THAT(Validate(options), ElementsAre("momentum: expected 0 for keras's adam, got 0.9",
                                             "centered: expected false for keras's adam, got true"));
}

TEST(OptimizerOptionsTest, KerasHasNoDampening) {
  OptimizerOptions options = DefaultOptions(kKeras, kSgd);
  options.momentum = 0.9;
  options.dampening = 0.5;
  EXPECT_THAT(Validate(options), ElementsAre("dampening: expected 0 for keras's sgd, got 0.5"));
}

TEST(OptimizerOptionsTest, NesterovNeedsMomentumWithoutDampening) {
  OptimizerOptions options = DefaultOptions(kPyTorch, kSgd);
  options.nesterov = true;
  EXPECT_THAT(Validate(options), ElementsAre("nesterov: expected false without momentum, got true"));
  options.momentum = 0.9;
  EXPECT_THAT(Validate(options), IsEmpty());
  options.dampening = 0.1;
  EXPECT_THAT(Validate(options), ElementsAre("nesterov: expected false with dampening, got true"));
}

}  // namespace
}  // namespace beak
