#include "engine/train/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/rng.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using enum Flavour;
using enum OptimizerKind;

// A small network's parameters with gradients that follow from the step.
struct Model {
  std::vector<ParameterInfo> infos = {
      {"conv.weight", {5, 3, 3, 3}}, {"conv.bias", {5}, false}, {"empty", {0}}, {"dense.weight", {7, 13}}};
  std::vector<std::vector<float>> values;
  std::vector<std::vector<float>> gradients;

  Model() {
    Rng rng(3);
    for (const ParameterInfo& info : infos) {
      std::vector<float>& value = values.emplace_back(static_cast<size_t>(NumElements(info.shape)));
      for (float& v : value) v = static_cast<float>(rng.Normal());
      gradients.emplace_back(value.size());
    }
  }

  void Step(Optimizer& optimizer, int threads) {
    Rng rng(100 + static_cast<uint64_t>(optimizer.steps()));
    std::vector<ParameterBytes> bytes;
    for (size_t i = 0; i < values.size(); ++i) {
      for (float& g : gradients[i]) g = static_cast<float>(rng.Normal());
      bytes.push_back({values[i], gradients[i]});
    }
    optimizer.Step(optimizer.options().learning_rate, bytes, threads);
  }
};

std::unique_ptr<Optimizer> Make(const OptimizerOptions& options, const Model& model) {
  absl::StatusOr<std::unique_ptr<Optimizer>> optimizer = Optimizer::Create(options, model.infos);
  EXPECT_OK(optimizer);
  return *std::move(optimizer);
}

OptimizerOptions Amsgrad() {
  OptimizerOptions options = DefaultOptions(kPyTorch, kAdam);
  options.amsgrad = true;
  options.weight_decay = 0.1;
  return options;
}

TEST(OptimizerTest, TheSameBitsOnAnyNumberOfThreads) {
  Model one;
  const std::unique_ptr<Optimizer> single = Make(Amsgrad(), one);
  for (int i = 0; i < 5; ++i) one.Step(*single, 1);
  for (const int threads : {2, 3, 8, 100}) {
    Model many;
    const std::unique_ptr<Optimizer> optimizer = Make(Amsgrad(), many);
    for (int i = 0; i < 5; ++i) many.Step(*optimizer, threads);
    EXPECT_EQ(many.values, one.values) << threads << " threads";
  }
}

TEST(OptimizerTest, EachParameterIsUpdatedByItsOwnGradient) {
  OptimizerOptions options = DefaultOptions(kPyTorch, kSgd);
  options.weight_decay = 0.5;
  Model model;
  const std::vector<std::vector<float>> before = model.values;
  const std::unique_ptr<Optimizer> optimizer = Make(options, model);
  model.Step(*optimizer, 2);
  for (size_t p = 0; p < before.size(); ++p) {
    const double decay = model.infos[p].weight_decay ? 0.5 : 0;
    for (size_t i = 0; i < before[p].size(); ++i) {
      const double gradient = model.gradients[p][i] + decay * before[p][i];
      EXPECT_NEAR(model.values[p][i], before[p][i] - 1e-3 * gradient, 5e-7) << model.infos[p].name << " " << i;
    }
  }
}

TEST(OptimizerTest, ResumedFromItsStateItGivesTheBitsOfAnUnbrokenRun) {
  for (const OptimizerKind kind : {kSgd, kAdagrad, kRmsProp, kAdam, kAdamW, kAdadelta}) {
    OptimizerOptions options = DefaultOptions(kKeras, kind);
    if (kind == kSgd || kind == kRmsProp) options.momentum = 0.9;
    Model unbroken;
    const std::unique_ptr<Optimizer> first = Make(options, unbroken);
    for (int i = 0; i < 5; ++i) unbroken.Step(*first, 1);
    Model resumed = unbroken;
    const NamedState state = first->Export();
    for (int i = 0; i < 5; ++i) unbroken.Step(*first, 1);

    const std::unique_ptr<Optimizer> second = Make(options, resumed);
    ASSERT_OK(second->Import(state));
    EXPECT_EQ(second->steps(), 5);
    for (int i = 0; i < 5; ++i) resumed.Step(*second, 1);
    EXPECT_EQ(resumed.values, unbroken.values) << NameOf(kind);
  }
}

TEST(OptimizerTest, StateHasPyTorchsNames) {
  const Model model;
  const NamedState state = Make(Amsgrad(), model)->Export();
  EXPECT_EQ(state.tensors.size(), 12u);
  EXPECT_EQ(state.tensors.at("conv.bias/exp_avg").shape(), Shape({5}));
  EXPECT_TRUE(state.tensors.contains("conv.weight/exp_avg_sq"));
  EXPECT_TRUE(state.tensors.contains("dense.weight/max_exp_avg_sq"));
  EXPECT_THAT(state.numbers, ::testing::ElementsAre(::testing::Pair("step", 0)));
}

TEST(OptimizerTest, AStateThatDoesNotFitChangesNothing) {
  Model model;
  const std::unique_ptr<Optimizer> optimizer = Make(Amsgrad(), model);
  model.Step(*optimizer, 1);
  const NamedState good = optimizer->Export();
  NamedState bad = good;
  bad.numbers["step"] = -3;
  bad.tensors.erase("conv.bias/exp_avg");
  bad.tensors["dense.weight/exp_avg"] = Tensor::Of<float>({2}, {1, 2});
  EXPECT_THAT(optimizer->Import(bad),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("optimizer state: "), HasSubstr("'step': expected a number in [0, "),
                             HasSubstr("'conv.bias/exp_avg': expected a tensor, got none"),
                             HasSubstr("'dense.weight/exp_avg': expected float32 [7, 13], got float32 [2]"))));
  EXPECT_EQ(optimizer->steps(), 1);
  EXPECT_EQ(optimizer->Export().tensors.at("conv.weight/exp_avg").values<float>()[0],
            good.tensors.at("conv.weight/exp_avg").values<float>()[0]);
}

TEST(OptimizerTest, AnotherKindsStateIsRefused) {
  const Model model;
  NamedState state = Make(Amsgrad(), model)->Export();
  EXPECT_THAT(Make(DefaultOptions(kPyTorch, kAdam), model)->Import(state),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected no other entries, got 4")));
}

TEST(OptimizerTest, RefusesWhatItCannotUse) {
  OptimizerOptions options = DefaultOptions(kPyTorch, kAdam);
  options.beta1 = 2;
  options.epsilon = -1;
  EXPECT_THAT(
      Optimizer::Create(options, {}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("optimizer: beta1: "), HasSubstr("; epsilon: "))));
  options = DefaultOptions(kPyTorch, kAdam);
  EXPECT_THAT(Optimizer::Create(options, {{"w", {1}}, {"w", {2}}}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, "parameter 'w': expected a name of its own"));
  EXPECT_THAT(Optimizer::Create(options, {{"w", {int64_t{1} << 40}}}).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("parameter 'w': ")));
}

}  // namespace
}  // namespace beak
