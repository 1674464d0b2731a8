// Gradients of whole networks against those that PyTorch computes in float64 (tests/golden/training).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "engine/job/described_training.h"
#include "engine/onednn/backend.h"
#include "engine/train/training_step.h"
#include "tests/support/status_matchers.h"
#include "tests/training/golden.h"

namespace beak {
namespace {

constexpr int64_t kRows = 8;
constexpr int64_t kWords = 40;  // of text_cnn

struct Case {
  const char* name;
  int64_t classes;
  int64_t positions = 1;  // that have a class each
};

const Case kCases[] = {
    {"lecture_cnn", 10},
    {"narrow_resnet20_cifar", 10},
    {"narrow_mobilenet_v1_1", 10},
    {"narrow_xception_small", 10},
    {"narrow_alphago_policy_128", 361},
    {"narrow_maxout", 10},
    {"text_cnn", 7},
    {"layers", 5, 16 * 12},
};

// The numbers of the golden files' batch; words where the network takes indices.
struct Input {
  std::vector<float> image;
  std::vector<int64_t> words;

  Input(DType dtype, int64_t count, int64_t seed) {
    const std::string name = "input" + std::to_string(seed);
    if (dtype == DType::kInt64) {
      words = testing::LabelsByName(name, count, kWords);
    } else {
      image = testing::UniformByName(name, count);
    }
  }
  std::span<const std::byte> bytes() const {
    return words.empty() ? std::as_bytes(std::span(image)) : std::as_bytes(std::span(words));
  }
};

class GoldenGradientsTest : public ::testing::TestWithParam<std::tuple<Case, int>> {};

// Rounding: float32 has 6e-8, sums of some hundred products in another order and some twenty layers make 1e-6 to 1e-5
// of it; the script has chosen inputs that leave every kink further away. An error in a formula, or a batch statistic
// that is another, shows as 1e-3 or more.
TEST_P(GoldenGradientsTest, AreThoseOfPyTorch) {
  const auto& [one, threads] = GetParam();
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, testing::ReadGoldenNetwork(one.name));
  ASSERT_OK_AND_ASSIGN(const auto golden, testing::ReadGoldenArrays(std::string("gradients_") + one.name + ".npz"));
  const Graph& graph = network.graph;
  const TensorType& type = graph.value(graph.inputs()[0]).type;
  Shape row;
  for (size_t i = 1; i < type.shape->size(); ++i) row.push_back((*type.shape)[i].value());
  TrainerOptions options;
  TakeDescribedOptions(network, options);
  options.training.losses = {{graph.NameOfValue(graph.outputs()[0])}};
  ASSERT_OK_AND_ASSIGN(const auto step,
                       TrainingStep::Create(graph, kRows, {options.training, {row}, threads}, CpuBackend()));
  std::vector<Tensor> values;
  for (const Parameter& parameter : step->parameters()) {
    values.push_back(*graph.ConstantOf(graph.FindValue(parameter.name)));
  }
  const Input input(type.dtype, kRows * NumElements(row), golden.at("seed").values<int64_t>()[0]);
  const std::vector<int64_t> labels = testing::LabelsByName("labels", kRows * one.positions, one.classes);
  ASSERT_OK(step->Run({kRows, {input.bytes()}, {std::as_bytes(std::span(labels))}}, 0, values));

  EXPECT_NEAR(step->loss(), golden.at("loss").values<double>()[0], 1e-5);
  EXPECT_EQ(step->parameters().size() + 2, golden.size());
  for (size_t i = 0; i < step->parameters().size(); ++i) {
    const Parameter& parameter = step->parameters()[i];
    ASSERT_TRUE(golden.count(parameter.name)) << parameter.name;
    const Tensor& expected = golden.at(parameter.name);
    ASSERT_EQ(parameter.shape, expected.shape()) << parameter.name;
    EXPECT_LE(testing::RelativeError(step->gradient(i), expected.values<float>()), 1e-4) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenGradientsTest,
                         ::testing::Combine(::testing::ValuesIn(kCases), ::testing::Values(1, 2)), [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) + "_" +
                                  std::to_string(std::get<1>(one.param)) + "_threads";
                         });

}  // namespace
}  // namespace beak
