#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/onednn/backend.h"
#include "engine/ops/op.h"
#include "engine/passes/passes.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::Disagreement;
using ::beak::testing::IsOk;
using ::beak::testing::Parse;
using ::beak::testing::RandomTensor;
using ::beak::testing::RunGraph;
using ::testing::ElementsAre;

std::vector<std::string> FusedOps(const std::string& text) {
  Graph graph = Parse(text);
  const Evaluator& evaluate = ReferenceBackend().evaluate;
  EXPECT_THAT(InferShapes(graph, true), IsOk());
  EXPECT_THAT(FuseGradients(graph, evaluate), IsOk());
  EXPECT_THAT(RemoveDeadCode(graph, evaluate), IsOk());
  EXPECT_THAT(VerifyOperators(graph), IsOk());
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes()) {
    ops.push_back(node.op);
    if (node.Has("activation")) absl::StrAppend(&ops.back(), "+", node.Get<std::string>("activation", ""));
  }
  return ops;
}

// What a graph computes, and what it computes where `seen`, results in the middle of it, are outputs too: these must be
// there, so nothing can be fused across them.
void ExpectSameValues(const std::string& text, const std::string& seen, const std::vector<Shape>& shapes) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < shapes.size(); ++i) {
    inputs.push_back(RandomTensor(shapes[i], static_cast<int>(i)));
    // Variances are not negative.
    if (i == 0) continue;
    for (float& value : inputs.back().mutable_values<float>()) value = 0.5f + value * value;
  }
  ASSERT_OK_AND_ASSIGN(const auto apart, RunGraph(Parse(text + seen), inputs, ReferenceBackend(), {.publish = false}));
  for (const Backend* backend : {&ReferenceBackend(), &CpuBackend()}) {
    ASSERT_OK_AND_ASSIGN(const auto fused, RunGraph(Parse(text), inputs, *backend, {.publish = false}));
    for (size_t i = 0; i < fused.size(); ++i) {
      EXPECT_LE(Disagreement(fused[i], apart[i], 1e-5, 1e-5), 1.0) << "output " << i;
    }
  }
}

constexpr const char* kHead =
    "graph g\ninput x float32 [2, 16, 5, 5]\ninput s float32 [16]\ninput b float32 [16]\ninput dr float32 [2, 16, 5, "
    "5]\n";
const std::vector<Shape> kShapes = {{2, 16, 5, 5}, {16}, {16}, {2, 16, 5, 5}};

TEST(FuseGradientsTest, ReluBehindANorm) {
  const std::string text = std::string(kHead) +
                           "y, m, v = BatchNormalizationTraining(x, s, b)\nr = Relu(y)\n"
                           "dy = ActivationGradient(dr, r) {activation = \"Relu\"}\n"
                           "dx, ds, db = BatchNormalizationGradient(x, dy, s, m, v)\noutput r\noutput dx\noutput "
                           "ds\noutput db\noutput m\noutput v";
  EXPECT_THAT(FusedOps(text), ElementsAre("BatchNormalizationTraining+Relu", "BatchNormalizationGradient+Relu"));
  EXPECT_THAT(
      FusedOps(text + "\noutput y\noutput dy"),
      ElementsAre("BatchNormalizationTraining", "Relu", "ActivationGradient+Relu", "BatchNormalizationGradient"));
  EXPECT_THAT(FusedOps(text + "\noutput y"),
              ElementsAre("BatchNormalizationTraining", "Relu", "BatchNormalizationGradient+Relu"));
  ExpectSameValues(text, "\noutput y\noutput dy", kShapes);
  ExpectSameValues(text + "\noutput y", "\noutput dy", kShapes);
}

TEST(FuseGradientsTest, NotWhereTheMeanIsReadBeforeTheActivation) {
  const std::string text = std::string(kHead) +
                           "y, m, v = BatchNormalizationTraining(x, s, b)\nn = Abs(m)\nr = Relu(y)\n"
                           "output r\noutput n\noutput v";
  EXPECT_THAT(FusedOps(text), ElementsAre("BatchNormalizationTraining", "Abs", "Relu"));
}

TEST(FuseGradientsTest, BoundsBehindANorm) {
  const std::string text =
      std::string(kHead) +
      "const low float32 [] = {0.0}\nconst high float32 [] = {1.5}\n"
      "y, m, v = BatchNormalizationTraining(x, s, b)\nr = Clip(y, low, high)\n"
      "dy = ActivationGradient(dr, y) {activation = \"Clip\", activation_alpha = 0.0, activation_beta = 1.5}\n"
      "dx, ds, db = BatchNormalizationGradient(x, dy, s, m, v)\noutput r\noutput dx\noutput ds\noutput db\noutput "
      "m\noutput v";
  EXPECT_THAT(FusedOps(text), ElementsAre("BatchNormalizationTraining+Clip", "BatchNormalizationGradient+Clip"));
  EXPECT_THAT(FusedOps(text + "\noutput y"), ElementsAre("BatchNormalizationTraining", "Clip",
                                                         "ActivationGradient+Clip", "BatchNormalizationGradient"))
      << "the slope is known by the norm's own result, so all or nothing is fused";
  ExpectSameValues(text, "\noutput y\noutput dy", kShapes);
}

TEST(FuseGradientsTest, AResidualGoesIntoTheNorm) {
  const std::string text =
      std::string(kHead) +
      "y, m, v = BatchNormalizationTraining(x, s, b)\nr0 = Abs(x)\na = Add(r0, y)\nr = Relu(a)\n"
      "da = ActivationGradient(dr, r) {activation = \"Relu\"}\n"
      "dx, ds, db = BatchNormalizationGradient(x, da, s, m, v)\noutput r\noutput dx\noutput ds\noutput db\noutput da";
  EXPECT_THAT(FusedOps(text), ElementsAre("Abs", "BatchNormalizationTraining+Relu", "ActivationGradient+Relu",
                                          "BatchNormalizationGradient"));
  ExpectSameValues(text, "\noutput y\noutput a", kShapes);
}

TEST(FuseGradientsTest, OfTwoNormsThatAreAddedOneTakesTheOther) {
  const std::string text = std::string(kHead) +
                           "y, m, v = BatchNormalizationTraining(x, s, b)\n"
                           "y2, m2, v2 = BatchNormalizationTraining(dr, s, b)\na = Add(y2, y)\nr = Relu(a)\noutput "
                           "r\noutput m\noutput v\noutput m2";
  EXPECT_THAT(FusedOps(text), ElementsAre("BatchNormalizationTraining", "BatchNormalizationTraining+Relu"));
  ExpectSameValues(text, "\noutput y\noutput a", kShapes);
}

TEST(FuseGradientsTest, NotAResidualThatIsBroadcast) {
  const std::string text = std::string(kHead) +
                           "const c float32 [1, 16, 1, 1] = fill 0.5\ny, m, v = BatchNormalizationTraining(x, s, b)\n"
                           "a = Add(y, c)\nr = Relu(a)\noutput r\noutput m\noutput v";
  EXPECT_THAT(FusedOps(text), ElementsAre("BatchNormalizationTraining", "Add", "Relu"));
}

TEST(FuseGradientsTest, ReluBeforeAPool) {
  const std::string text =
      "graph g\ninput x float32 [2, 16, 6, 6]\ninput dy float32 [2, 16, 3, 3]\nr = Relu(x)\n"
      "y = MaxPool(r) {kernel_shape = [2, 2], strides = [2, 2]}\n"
      "dr = MaxPoolGradient(r, y, dy) {kernel_shape = [2, 2], strides = [2, 2]}\n"
      "dx = ActivationGradient(dr, r) {activation = \"Relu\"}\noutput dx";
  EXPECT_THAT(FusedOps(text), ElementsAre("Relu", "MaxPool", "MaxPoolGradient+Relu"));
  ExpectSameValues(text, "\noutput dr", {{2, 16, 6, 6}, {2, 16, 3, 3}});
}

TEST(FuseGradientsTest, NotAnotherReluThanThePools) {
  const std::string text =
      "graph g\ninput x float32 [2, 16, 6, 6]\ninput dy float32 [2, 16, 3, 3]\nr = Relu(x)\n"
      "y = MaxPool(x) {kernel_shape = [2, 2], strides = [2, 2]}\n"
      "dr = MaxPoolGradient(x, y, dy) {kernel_shape = [2, 2], strides = [2, 2]}\n"
      "dx = ActivationGradient(dr, r) {activation = \"Relu\"}\noutput dx";
  EXPECT_THAT(FusedOps(text), ElementsAre("Relu", "MaxPool", "MaxPoolGradient", "ActivationGradient+Relu"));
}

}  // namespace
}  // namespace beak
