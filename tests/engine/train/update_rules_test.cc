#include "engine/train/update_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/base/rng.h"

namespace beak {
namespace {

using enum Flavour;
using enum OptimizerKind;

// The formulas once more, for one number, in double and as they are printed in the frameworks' documentation: what the
// float32 loops are held against.
struct Reference {
  OptimizerOptions o;
  double p = 1;
  double m = 0, v = 0, a = 0, b = 0, peak = 0;

  Reference(const OptimizerOptions& options, double start) : o(options), p(start), v(options.initial_accumulator) {}

  void Step(double lr, int t, double g) {
    if (o.flavour == kKeras || o.kind == kAdamW) {
      p -= p * lr * o.weight_decay;
    } else {
      g += o.weight_decay * p;
    }
    o.flavour == kKeras ? Keras(lr, t, g) : PyTorch(lr, t, g);
  }

  void PyTorch(double lr, int t, double g) {
    if (o.kind == kSgd) {
      double d = g;
      if (o.momentum > 0) {
        b = t == 1 ? g : o.momentum * b + (1 - o.dampening) * g;
        d = o.nesterov ? g + o.momentum * b : b;
      }
      p -= lr * d;
    } else if (o.kind == kAdagrad) {
      v += g * g;
      p -= lr / (1 + (t - 1) * o.learning_rate_decay) * g / (std::sqrt(v) + o.epsilon);
    } else if (o.kind == kRmsProp) {
      v = o.rho * v + (1 - o.rho) * g * g;
      a = o.rho * a + (1 - o.rho) * g;
      const double d = g / (std::sqrt(o.centered ? v - a * a : v) + o.epsilon);
      b = o.momentum * b + d;
      p -= lr * b;
    } else if (o.kind == kAdadelta) {
      Adadelta(lr, g);
    } else {
      AdamMeans(g);
      const double root = std::sqrt(o.amsgrad ? peak : v) / std::sqrt(1 - std::pow(o.beta2, t));
      p -= lr / (1 - std::pow(o.beta1, t)) * m / (root + o.epsilon);
    }
  }

  void Keras(double lr, int t, double g) {
    if (o.kind == kSgd) {
      b = o.momentum * b - lr * g;
      p += o.nesterov ? o.momentum * b - lr * g : b;
    } else if (o.kind == kAdagrad) {
      v += g * g;
      p -= lr * g / std::sqrt(v + o.epsilon);
    } else if (o.kind == kRmsProp) {
      v = o.rho * v + (1 - o.rho) * g * g;
      a = o.rho * a + (1 - o.rho) * g;
      b = o.momentum * b + lr * g / std::sqrt((o.centered ? v - a * a : v) + o.epsilon);
      p -= b;
    } else if (o.kind == kAdadelta) {
      Adadelta(lr, g);
    } else {
      AdamMeans(g);
      const double alpha = lr * std::sqrt(1 - std::pow(o.beta2, t)) / (1 - std::pow(o.beta1, t));
      p -= alpha * m / (std::sqrt(o.amsgrad ? peak : v) + o.epsilon);
    }
  }

  void AdamMeans(double g) {
    m = o.beta1 * m + (1 - o.beta1) * g;
    v = o.beta2 * v + (1 - o.beta2) * g * g;
    peak = std::max(peak, v);
  }

  void Adadelta(double lr, double g) {
    v = o.rho * v + (1 - o.rho) * g * g;
    const double delta = std::sqrt(a + o.epsilon) / std::sqrt(v + o.epsilon) * g;
    a = o.rho * a + (1 - o.rho) * delta * delta;
    p -= lr * delta;
  }
};

struct Case {
  std::string name;
  OptimizerOptions options;
  std::vector<double> golden;  // p1, p2, p3; empty where there is none
};

// Changes to the defaults, by what they are called below.
OptimizerOptions With(Flavour flavour, OptimizerKind kind, void (*change)(OptimizerOptions&)) {
  OptimizerOptions options = DefaultOptions(flavour, kind);
  change(options);
  return options;
}

void Nothing(OptimizerOptions&) {}
void Decayed(OptimizerOptions& o) { o.weight_decay = 0.01; }
void Heavy(OptimizerOptions& o) { o.momentum = 0.9; }
void Centered(OptimizerOptions& o) { o.centered = true; }
void Amsgrad(OptimizerOptions& o) { o.amsgrad = true; }
void Tenth(OptimizerOptions& o) { o.learning_rate = 0.1; }
void Fast(OptimizerOptions& o) { o.learning_rate = 1; }
void HeavyTenth(OptimizerOptions& o) { Tenth(o), Heavy(o); }
void Dampened(OptimizerOptions& o) { HeavyTenth(o), o.dampening = 0.5; }
void Nesterov(OptimizerOptions& o) { HeavyTenth(o), o.nesterov = true; }
void HeavyDecayed(OptimizerOptions& o) { HeavyTenth(o), Decayed(o); }
void HeavyCentered(OptimizerOptions& o) { Heavy(o), Centered(o); }
void Slowing(OptimizerOptions& o) { o.learning_rate_decay = 0.1, o.initial_accumulator = 0.5; }

// Golden values: p = 1, gradients 0.5, -0.25, 0.1; computed from the frameworks' formulas outside of this program.
std::vector<Case> Cases() {
  return {
      {"PyTorchSgd", With(kPyTorch, kSgd, Tenth), {0.95, 0.975, 0.965}},
      {"PyTorchSgdMomentum", With(kPyTorch, kSgd, HeavyTenth), {0.95, 0.93, 0.902}},
      {"KerasSgdMomentum", With(kKeras, kSgd, HeavyTenth), {0.95, 0.93, 0.902}},
      {"PyTorchSgdDampening", With(kPyTorch, kSgd, Dampened), {0.95, 0.9175, 0.88325}},
      {"PyTorchSgdNesterov", With(kPyTorch, kSgd, Nesterov), {0.905, 0.912, 0.8768}},
      {"KerasSgdNesterov", With(kKeras, kSgd, Nesterov), {0.905, 0.912, 0.8768}},
      {"PyTorchSgdDecay", With(kPyTorch, kSgd, HeavyDecayed), {0.949, 0.927151, 0.896559749}},
      {"KerasSgdDecay", With(kKeras, kSgd, HeavyDecayed), {0.949, 0.928051, 0.899122949}},
      {"PyTorchAdagrad", With(kPyTorch, kAdagrad, Nothing), {0.99, 0.994472136, 0.992711234}},
      {"KerasAdagrad", With(kKeras, kAdagrad, Nothing), {0.999154846, 0.999544095, 0.999390249}},
      {"PyTorchRmsProp", With(kPyTorch, kRmsProp, Nothing), {0.900000020, 0.944901337, 0.927137418}},
      {"PyTorchRmsPropMomentum", With(kPyTorch, kRmsProp, Heavy), {0.900000020, 0.854901355, 0.796548638}},
      {"PyTorchRmsPropCentered", With(kPyTorch, kRmsProp, Centered), {0.899496239, 0.944441090, 0.926644191}},
      {"KerasRmsProp", With(kKeras, kRmsProp, Nothing), {0.996837729, 0.998312146, 0.997702153}},
      {"KerasRmsPropMomentum", With(kKeras, kRmsProp, Heavy), {0.996837729, 0.995466101, 0.993621644}},
      {"KerasRmsPropCentered", With(kKeras, kRmsProp, Centered), {0.996666674, 0.998151456, 0.997532366}},
      {"PyTorchAdam", With(kPyTorch, kAdam, Nothing), {0.999, 0.998733663, 0.998418419}},
      {"PyTorchAdamDecay", With(kPyTorch, kAdam, Decayed), {0.999, 0.998710770, 0.998368888}},
      {"PyTorchAdamW", With(kPyTorch, kAdamW, Nothing), {0.99899, 0.998713673, 0.998388442}},
      {"KerasAdam", With(kKeras, kAdam, Nothing), {0.999000006, 0.998733671, 0.998418429}},
      {"KerasAdamW", With(kKeras, kAdamW, Nothing), {0.998996006, 0.998725675, 0.998406438}},
      {"PyTorchAdagradSlowing", With(kPyTorch, kAdagrad, Slowing), {}},
      {"PyTorchAdadelta", With(kPyTorch, kAdadelta, Nothing), {}},
      {"PyTorchAdadeltaDecay", With(kPyTorch, kAdadelta, Decayed), {}},
      {"KerasAdadelta", With(kKeras, kAdadelta, Fast), {}},
      {"PyTorchRmsPropAll", With(kPyTorch, kRmsProp, HeavyCentered), {}},
      {"KerasRmsPropAll", With(kKeras, kRmsProp, HeavyCentered), {}},
      {"PyTorchAdamAmsgrad", With(kPyTorch, kAdam, Amsgrad), {}},
      {"PyTorchAdamWAmsgrad", With(kPyTorch, kAdamW, Amsgrad), {}},
      {"KerasAdamAmsgrad", With(kKeras, kAdam, Amsgrad), {}},
      {"KerasAdamDecay", With(kKeras, kAdam, Decayed), {}},
  };
}

// Parameters with their slots, ready to be updated.
class Trajectory {
 public:
  Trajectory(const OptimizerOptions& options, std::vector<float> start) : options_(options), values_(std::move(start)) {
    for (const Slot& slot : SlotsOf(options)) slots_.emplace_back(values_.size(), slot.initial);
  }

  // `begin` .. `end` - 1 only.
  void Step(double lr, int t, const std::vector<float>& gradients, size_t begin, size_t end, bool decay = true) {
    Elements elements = {values_.data() + begin, gradients.data() + begin, {}, end - begin};
    for (size_t s = 0; s < slots_.size(); ++s) elements.slots[s] = slots_[s].data() + begin;
    UpdateElements(options_, lr, t, decay, elements);
  }
  void Step(double lr, int t, const std::vector<float>& gradients) { Step(lr, t, gradients, 0, values_.size()); }

  const std::vector<float>& values() const { return values_; }
  const std::vector<std::vector<float>>& slots() const { return slots_; }

 private:
  OptimizerOptions options_;
  std::vector<float> values_;
  std::vector<std::vector<float>> slots_;
};

std::vector<float> Normals(Rng& rng, size_t count, double scale) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(scale * rng.Normal());
  return values;
}

class UpdateRulesTest : public ::testing::TestWithParam<Case> {};
class UpdateRulesGoldenTest : public UpdateRulesTest {};

TEST_P(UpdateRulesGoldenTest, ThreeSteps) {
  const std::vector<double>& golden = GetParam().golden;
  const OptimizerOptions& options = GetParam().options;
  const std::vector<float> gradients = {0.5f, -0.25f, 0.1f};
  Reference reference(options, 1);
  Trajectory trajectory(options, {1.0f});
  for (size_t i = 0; i < golden.size(); ++i) {
    const int t = static_cast<int>(i) + 1;
    reference.Step(options.learning_rate, t, i == 2 ? 0.1 : double{gradients[i]});
    trajectory.Step(options.learning_rate, t, {gradients[i]});
    EXPECT_NEAR(reference.p, golden[i], 1e-9) << "step " << t;             // golden values have nine decimals
    EXPECT_NEAR(trajectory.values()[0], golden[i], 2e-7) << "step " << t;  // three roundings of half of 2^-23 each
  }
}

// Fifty steps of gradients of all sizes under a learning rate that moves, against the double restatement. Each step
// rounds a value of size 1 by at most 2^-24 (6e-8) and has an error of some 2^-22 of its own size, at most 0.1: fifty
// stay within 5e-6. What moves least moves 200 times as far.
TEST_P(UpdateRulesTest, FollowsTheFormulaInDouble) {
  const OptimizerOptions& options = GetParam().options;
  Rng rng(11);
  const std::vector<float> start = Normals(rng, 41, 1);
  Trajectory trajectory(options, start);
  std::vector<Reference> references;
  for (const float p : start) references.emplace_back(options, p);
  for (int t = 1; t <= 50; ++t) {
    const std::vector<float> gradients = Normals(rng, start.size(), std::pow(10.0, -(t % 5)));
    const double lr = options.learning_rate * (1 + 0.5 * std::sin(t));
    trajectory.Step(lr, t, gradients);
    for (size_t i = 0; i < start.size(); ++i) references[i].Step(lr, t, gradients[i]);
  }
  double furthest = 0;
  for (size_t i = 0; i < start.size(); ++i) {
    const double size = std::max(1.0, std::abs(references[i].p));
    EXPECT_NEAR(trajectory.values()[i], references[i].p, 5e-6 * size) << "element " << i;
    furthest = std::max(furthest, std::abs(references[i].p - start[i]));
  }
  EXPECT_GT(furthest, 1e-3);
}

// Whatever lies in vectors and whatever in what remains of them: the same bits.
TEST_P(UpdateRulesTest, PartsGiveTheBitsOfTheWhole) {
  const OptimizerOptions& options = GetParam().options;
  Rng rng(12);
  const std::vector<float> start = Normals(rng, 103, 1);
  Trajectory whole(options, start);
  Trajectory parts(options, start);
  for (int t = 1; t <= 3; ++t) {
    const std::vector<float> gradients = Normals(rng, start.size(), 1);
    whole.Step(0.01, t, gradients);
    size_t begin = 0;
    for (const size_t end : {1, 6, 37, 64, 102, 103}) {
      parts.Step(0.01, t, gradients, begin, end);
      begin = end;
    }
  }
  EXPECT_EQ(whole.values(), parts.values());
  EXPECT_EQ(whole.slots(), parts.slots());
}

TEST_P(UpdateRulesTest, ExcludedFromDecayIsWithoutDecay) {
  OptimizerOptions options = GetParam().options;
  options.weight_decay = 0.1;
  Trajectory excluded(options, {1, -2, 3});
  options.weight_decay = 0;
  Trajectory plain(options, {1, -2, 3});
  const std::vector<float> gradients = {0.1f, 0.2f, -0.3f};
  excluded.Step(0.1, 1, gradients, 0, 3, /*decay=*/false);
  plain.Step(0.1, 1, gradients);
  EXPECT_EQ(excluded.values(), plain.values());
}

// A gradient that never was is no reason to move, and none to divide by zero.
TEST_P(UpdateRulesTest, ZeroGradientsStayZero) {
  OptimizerOptions options = GetParam().options;
  options.weight_decay = 0;
  Trajectory trajectory(options, {1, 2, 3});
  for (int t = 1; t <= 3; ++t) trajectory.Step(0.1, t, {0, 0, 0});
  EXPECT_THAT(trajectory.values(), ::testing::ElementsAre(1, 2, 3));
}

std::string NameOfTest(const ::testing::TestParamInfo<Case>& test) { return test.param.name; }

std::vector<Case> GoldenCases() {
  std::vector<Case> cases = Cases();
  std::erase_if(cases, [](const Case& one) { return one.golden.empty(); });
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, UpdateRulesTest, ::testing::ValuesIn(Cases()), NameOfTest);
INSTANTIATE_TEST_SUITE_P(All, UpdateRulesGoldenTest, ::testing::ValuesIn(GoldenCases()), NameOfTest);

// At |g| of 1e-6 where epsilon stands decides the size of the first step.
TEST(UpdateRulesTest, EpsilonStandsWhereTheFlavourPutsIt) {
  const auto first_step = [](Flavour flavour, double epsilon) {
    OptimizerOptions options = DefaultOptions(flavour, kAdam);
    options.epsilon = epsilon;
    Trajectory trajectory(options, {0.0f});
    trajectory.Step(1e-3, 1, {1e-6f});
    return -trajectory.values()[0];
  };
  EXPECT_NEAR(first_step(kPyTorch, 1e-8), 9.90e-4, 1e-6);
  EXPECT_NEAR(first_step(kPyTorch, 1e-7), 9.09e-4, 1e-6);
  EXPECT_NEAR(first_step(kKeras, 1e-7), 2.40e-4, 1e-6);
}

// Constant gradients have no variance; rounding must not make it negative and its root NaN.
TEST(UpdateRulesTest, CenteredRmsPropOutlivesConstantGradients) {
  for (const Flavour flavour : {kPyTorch, kKeras}) {
    OptimizerOptions options = With(flavour, kRmsProp, Centered);
    options.rho = 0.5;
    Trajectory trajectory(options, {1, 1, 1});
    for (int t = 1; t <= 100; ++t) trajectory.Step(1e-12, t, {0.1f, 0.3f, 7.7f});
    EXPECT_THAT(trajectory.values(), ::testing::Each(::testing::Truly([](float p) { return std::isfinite(p); })));
  }
}

}  // namespace
}  // namespace beak
