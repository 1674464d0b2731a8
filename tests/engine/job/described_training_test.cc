#include "engine/job/described_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "engine/formats/beak/network_reader.h"
#include "engine/train/training_graph.h"
#include "proto/beak/v1/network.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SameBits;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

DescribedNetwork Build(const std::string& layers) {
  absl::StatusOr<DescribedNetwork> network =
      BuildNetwork(*ParseNetwork("input { name: 'x' shape: [2, 6, 6] } " + layers));
  EXPECT_THAT(network, testing::IsOk());
  return network.ok() ? *std::move(network) : DescribedNetwork();
}

TrainerOptions OptionsOf(const std::string& layers) {
  TrainerOptions options;
  TakeDescribedOptions(Build(layers), options);
  return options;
}

std::span<const float> Values(const DescribedNetwork& network, const std::string& name) {
  return network.graph.ConstantOf(network.graph.FindValue(name))->values<float>();
}

// ---------------------------------------------------------------- first values

TEST(InitializeParametersTest, GivesWhatTheDescriptionSays) {
  DescribedNetwork network = Build(R"(
    layer { name: "c" conv2d { filters: 8 kernel_size: 3
            kernel { initializer { kind: HE_NORMAL flavour: PYTORCH } } bias { initializer { kind: CONSTANT value: 3 } } } }
    layer { name: "n" batch_normalization {} }
    layer { name: "f" flatten {} }
    layer { name: "d" dense { units: 4 } })");
  ASSERT_OK(InitializeParameters(1, network));
  EXPECT_THAT(Values(network, "c/bias"), Each(3));
  EXPECT_THAT(Values(network, "n/gamma"), Each(1));
  EXPECT_THAT(Values(network, "n/beta"), Each(0));
  EXPECT_THAT(Values(network, "n/moving_mean"), Each(0));
  EXPECT_THAT(Values(network, "n/moving_variance"), Each(1));
  EXPECT_THAT(Values(network, "d/bias"), Each(0));
  double squares = 0;
  for (const float value : Values(network, "c/kernel")) squares += value * value;
  EXPECT_NEAR(squares / (8 * 2 * 9), 2.0 / 18, 0.04);
  const double limit = std::sqrt(6.0 / (128 + 4));
  for (const float value : Values(network, "d/kernel")) EXPECT_LE(std::abs(value), limit) << "Glorot's uniform";
}

TEST(InitializeParametersTest, FollowsSeedAndNameAlone) {
  const std::string dense = "layer { name: 'f' flatten {} } layer { name: 'd' dense { units: 4 } } ";
  const std::string more = "layer { name: 'e' dense { units: 4 } }";
  DescribedNetwork a = Build(dense), b = Build(dense + more), c = Build(dense);
  ASSERT_OK(InitializeParameters(1, a));
  ASSERT_OK(InitializeParameters(1, b));
  ASSERT_OK(InitializeParameters(2, c));
  const auto kernel = [](const DescribedNetwork& one) {
    return *one.graph.ConstantOf(one.graph.FindValue("d/kernel"));
  };
  EXPECT_TRUE(SameBits(kernel(a), kernel(b))) << "other layers change nothing";
  EXPECT_FALSE(SameBits(kernel(a), kernel(c)));
}

TEST(InitializeParametersTest, NamesAParameterThatCannotBegin) {
  DescribedNetwork network = Build("layer { name: 'f' flatten {} } layer { name: 'd' dense { units: 4 } }");
  network.parameters[0].initializer = NormalInit{0, -1};
  EXPECT_THAT(InitializeParameters(1, network),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parameter 'd/kernel': initialiser: ")));
}

// ---------------------------------------------------------------- how they are trained

TEST(TakeDescribedOptionsTest, NothingSaidIsNothingSet) {
  const TrainerOptions options = OptionsOf("layer { name: 'c' conv2d { filters: 3 kernel_size: 3 } }");
  EXPECT_THAT(options.training.frozen, IsEmpty());
  EXPECT_THAT(options.penalties, IsEmpty());
  EXPECT_THAT(options.unit_norms, IsEmpty());
  EXPECT_THAT(options.without_weight_decay, IsEmpty());
}

TEST(TakeDescribedOptionsTest, LayersThatAreNotTrainedAreFrozen) {
  const TrainerOptions options = OptionsOf(R"(
    layer { name: "c" conv2d { filters: 3 kernel_size: 3 kernel { l2: 1 max_norm: 1 } } trainable: false }
    layer { name: "n" batch_normalization {} trainable: false })");
  EXPECT_THAT(options.training.frozen, ElementsAre("c/bias", "c/kernel", "n/beta", "n/gamma"));
  EXPECT_THAT(options.penalties, IsEmpty()) << "what is frozen is not pulled";
  EXPECT_THAT(options.unit_norms, IsEmpty());
  EXPECT_THAT(options.training.batch_statistics, IsEmpty()) << "uses what it has kept";
}

TEST(TakeDescribedOptionsTest, AScaleThatIsNotLearnedStillTakesStatisticsOfBatches) {
  const DescribedNetwork network = Build("layer { name: 'n' batch_normalization { scale: false } }");
  TrainerOptions options;
  TakeDescribedOptions(network, options);
  EXPECT_THAT(options.training.frozen, ElementsAre("n/gamma"));
  EXPECT_THAT(options.training.batch_statistics, ElementsAre("n"));
  // And the training graph does so.
  options.training.losses = {{"n", Loss::Kind::kMeanSquaredError}};
  DescribedNetwork ready = network;
  ASSERT_OK(InitializeParameters(1, ready));
  ASSERT_OK_AND_ASSIGN(const TrainingGraph training, MakeTrainingGraph(ready.graph, {{4, 2, 6, 6}}, options.training));
  ASSERT_EQ(training.statistics.size(), 1u);
  EXPECT_EQ(training.statistics[0].mean, "n/moving_mean");
  ASSERT_EQ(training.parameters.size(), 1u);
  EXPECT_EQ(training.parameters[0].name, "n/beta");
}

TEST(TakeDescribedOptionsTest, RunningVariancesAreKeptByTheConvention) {
  const TrainerOptions options = OptionsOf(R"(
    layer { name: "k" batch_normalization {} }
    layer { name: "p" batch_normalization { convention: PYTORCH } })");
  EXPECT_THAT(options.unbiased_variances, ElementsAre("p/moving_variance"));
  EXPECT_THAT(options.training.batch_statistics, UnorderedElementsAre("k", "p"));
}

TEST(TakeDescribedOptionsTest, PenaltiesAndLimitsGoToTheirParameters) {
  const TrainerOptions options = OptionsOf(R"(
    layer { name: "c" conv2d { filters: 3 kernel_size: 3 kernel { l1: 0.5 l2: 0.25 } } }
    layer { name: "t" conv2d_transpose { filters: 3 kernel_size: 2 kernel { max_norm: 3 } } }
    layer { name: "f" flatten {} }
    layer { name: "d" dense { units: 2 kernel { max_norm: 2 } bias { l2: 1 } } })");
  ASSERT_EQ(options.penalties.size(), 2u);
  EXPECT_EQ(options.penalties.at("c/kernel").l1, 0.5);
  EXPECT_EQ(options.penalties.at("c/kernel").l2, 0.25);
  EXPECT_EQ(options.penalties.at("d/bias").l2, 1);
  ASSERT_EQ(options.unit_norms.size(), 2u);
  EXPECT_EQ(options.unit_norms.at("d/kernel").max_norm, 2);
  EXPECT_EQ(options.unit_norms.at("d/kernel").unit_axis, 0) << "[out, in]";
  EXPECT_EQ(options.unit_norms.at("t/kernel").unit_axis, 1) << "[in, out, ...]";
}

TEST(TakeDescribedOptionsTest, WeightDecayCanBeLeftOut) {
  const TrainerOptions options = OptionsOf(R"(
    layer { name: "c" conv2d { filters: 3 kernel_size: 3 bias { exclude_from_weight_decay: true } } }
    layer { name: "n" batch_normalization { gamma { exclude_from_weight_decay: true } } })");
  EXPECT_THAT(options.without_weight_decay, ElementsAre("c/bias", "n/gamma"));
}

TEST(TakeDescribedOptionsTest, SpatialDropoutsAreNamed) {
  const TrainerOptions options = OptionsOf(R"(
    layer { name: "s" spatial_dropout { rate: 0.5 } }
    layer { name: "d" dropout { rate: 0.5 } })");
  EXPECT_THAT(options.training.spatial_dropouts, ElementsAre("s"));
}

}  // namespace
}  // namespace beak
