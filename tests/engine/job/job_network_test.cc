#include "engine/job/job_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/formats/onnx/onnx_writer.h"
#include "engine/job/job_spec.h"
#include "engine/train/training_graph.h"
#include "proto/beak/v1/train.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Parse;
using testing::SameBits;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

constexpr char kDescription[] = R"(
  name: "n"
  input { name: "x" shape: [4] }
  layer { name: "a" dense { units: 3 activation: RELU kernel { l2: 0.5 } } trainable: false }
  layer { name: "b" dense { units: 2 kernel { l2: 0.25 max_norm: 2 } bias { exclude_from_weight_decay: true } } }
)";

// A pretrained network with a normalisation of its input, a batch normalisation and a head of ten.
Graph Pretrained() {
  return Parse(R"(graph g
    input x float32 [1, 2, 4, 4]
    const mean float32 [2, 1, 1] = fill 1
    x0 = Sub(x, mean)
    const scale float32 [2, 1, 1] = fill 2
    x1 = Mul(x0, scale)
    const stem.w float32 [3, 2, 3, 3] = fill 5
    const stem.b float32 [3] = fill 5
    c = Conv(x1, stem.w, stem.b)
    const bn.s float32 [3] = fill 5
    const bn.b float32 [3] = fill 5
    const bn.m float32 [3] = fill 5
    const bn.v float32 [3] = fill 5
    b = BatchNormalization(c, bn.s, bn.b, bn.m, bn.v) {momentum = 0.75}
    r = Relu(b)
    const t int64 [2] = {1, 12}
    f = Reshape(r, t)
    const fc.w float32 [12, 10] = fill 5
    const fc.b float32 [10] = fill 5
    l = Gemm(f, fc.w, fc.b)
    y = Softmax(l)
    output y)");
}

class JobNetworkTest : public ::testing::Test {
 protected:
  JobNetworkTest() {
    dir_.Write("net.textproto", kDescription);
    const absl::StatusOr<std::string> bytes = WriteOnnx(Pretrained());
    EXPECT_THAT(bytes, testing::IsOk());
    onnx_ = dir_.Write("net.onnx", *bytes);
  }

  absl::StatusOr<JobNetwork> Read(const std::string& source, int64_t units = 0, uint64_t seed = 1,
                                  const std::string& served = "") {
    const v1::TrainJobSpec spec = *ParseJob("network { " + source + " }");
    return ReadJobNetwork(spec.network(), {dir_.path()}, served, units, seed);
  }

  static std::span<const float> Values(const JobNetwork& network, const std::string& name) {
    return network.graph.ConstantOf(network.graph.FindValue(name))->values<float>();
  }

  testing::TempDir dir_;
  std::string onnx_;
};

// ---------------------------------------------------------------- descriptions

TEST_F(JobNetworkTest, ADescriptionSaysHowItIsTrained) {
  for (const std::string& source :
       {std::string("description_file: 'net.textproto'"), absl::StrCat("description { ", kDescription, " }")}) {
    ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read(source));
    EXPECT_THAT(network.options.training.frozen, ElementsAre("a/bias", "a/kernel"));
    ASSERT_EQ(network.options.penalties.size(), 1u);
    EXPECT_EQ(network.options.penalties.at("b/kernel").l2, 0.25);
    EXPECT_EQ(network.options.unit_norms.at("b/kernel").max_norm, 2);
    EXPECT_THAT(network.options.without_weight_decay, ElementsAre("b/bias"));
    EXPECT_EQ(Values(network, "b/kernel").size(), 6u) << "has values";
  }
}

TEST_F(JobNetworkTest, FirstValuesFollowFromTheSeed) {
  ASSERT_OK_AND_ASSIGN(const JobNetwork a, Read("description_file: 'net.textproto'", 0, 1));
  ASSERT_OK_AND_ASSIGN(const JobNetwork b, Read("description_file: 'net.textproto'", 0, 1));
  ASSERT_OK_AND_ASSIGN(const JobNetwork c, Read("description_file: 'net.textproto'", 0, 2));
  const auto tensor = [](const JobNetwork& one) { return *one.graph.ConstantOf(one.graph.FindValue("b/kernel")); };
  EXPECT_TRUE(SameBits(tensor(a), tensor(b)));
  EXPECT_FALSE(SameBits(tensor(a), tensor(c)));
}

TEST_F(JobNetworkTest, ErrorsOfADescriptionNameFieldAndFile) {
  dir_.Write("bad.textproto", "input { name: 'x' shape: 4 } layer { name: 'a' dense { units: -1 } }");
  EXPECT_THAT(Read("description_file: 'bad.textproto'"),
              StatusIs(kInvalid, AllOf(HasSubstr("network.description_file: "), HasSubstr("bad.textproto'"),
                                       HasSubstr("layer 'a': units: "))));
  EXPECT_THAT(Read("description_file: 'none'"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("network.description_file: ")));
  EXPECT_THAT(Read("description_file: '../etc/passwd'"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Read("description {}"), StatusIs(kInvalid, HasSubstr("network.description: ")));
}

// ---------------------------------------------------------------- files

TEST_F(JobNetworkTest, AFileKeepsItsWeightsAndTakesBatches) {
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("onnx_file: 'net.onnx'"));
  EXPECT_THAT(Values(network, "stem.w"), Each(5));
  EXPECT_THAT(Values(network, "bn.v"), Each(5));
  const Graph& graph = network.graph;
  EXPECT_EQ(ToString(*graph.value(graph.outputs()[0]).type.shape), "[batch, 10]");
  EXPECT_THAT(network.options.training.frozen, ElementsAre("mean", "scale")) << "its own normalisation";
}

TEST_F(JobNetworkTest, ABatchNormalisationLearnsFromBatchesUnlessItIsFrozen) {
  const auto statistics = [](const JobNetwork& network) {
    TrainingOptions options = network.options.training;
    options.losses = {{"y"}};
    const auto graph = MakeTrainingGraph(network.graph, {{2, 2, 4, 4}}, options);
    EXPECT_THAT(graph, testing::IsOk());
    return graph->statistics;
  };
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("onnx_file: 'net.onnx'"));
  ASSERT_EQ(statistics(network).size(), 1u);
  EXPECT_EQ(statistics(network)[0].variance, "bn.v");
  EXPECT_EQ(statistics(network)[0].momentum, 0.75f);
  EXPECT_THAT(network.options.unbiased_variances, IsEmpty()) << "ONNX keeps the biased variance";
  ASSERT_OK_AND_ASSIGN(const JobNetwork frozen, Read("onnx_file: 'net.onnx' frozen: 'bn.*'"));
  EXPECT_THAT(statistics(frozen), IsEmpty());
}

TEST_F(JobNetworkTest, PatternsFreeze) {
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("onnx_file: 'net.onnx' frozen: 'stem*' frozen: '*.b'"));
  EXPECT_THAT(network.options.training.frozen, ElementsAre("bn.b", "fc.b", "mean", "scale", "stem.b", "stem.w"));
}

TEST_F(JobNetworkTest, APatternThatFitsNothingTellsWhatThereIs) {
  EXPECT_THAT(Read("onnx_file: 'net.onnx' frozen: 'stem*' frozen: 'layer1*' frozen: 'x'"),
              StatusIs(kInvalid, AllOf(HasSubstr("network.frozen[1]: expected a pattern that fits a parameter, got "
                                                 "'layer1*'; there are 'scale', 'stem.w', 'stem.b'"),
                                       HasSubstr("network.frozen[2]: "), Not(HasSubstr("network.frozen[0]")))));
}

TEST_F(JobNetworkTest, SomethingHasToBeTrained) {
  EXPECT_THAT(Read("onnx_file: 'net.onnx' frozen: '*'"),
              StatusIs(kInvalid, "network: expected parameters that are trained, got none"));
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("onnx_file: 'net.onnx' frozen: '*' head { units: 2 }"));
  EXPECT_THAT(network.options.training.frozen, AllOf(Contains("stem.w"), Not(Contains("fc.w")), Not(Contains("fc.b"))))
      << "the new head is never frozen";
}

TEST_F(JobNetworkTest, AHeadHasAsManyOutputsAsTheJobOrTheDataSays) {
  ASSERT_OK_AND_ASSIGN(const JobNetwork by_job, Read("onnx_file: 'net.onnx' head { units: 3 }", 7));
  EXPECT_EQ(Values(by_job, "fc.b").size(), 3u);
  ASSERT_OK_AND_ASSIGN(const JobNetwork by_data, Read("onnx_file: 'net.onnx' head {}", 7));
  EXPECT_EQ(Values(by_data, "fc.b").size(), 7u);
  EXPECT_THAT(Read("onnx_file: 'net.onnx' head {}", 0),
              StatusIs(kInvalid, HasSubstr("network.head.units: expected a ")));
  dir_.Write("two.onnx", *WriteOnnx(Parse("graph g\ninput x float32 [n, 4]\nconst w float32 [4] = fill 1\n"
                                          "a = Mul(x, w)\nb = Relu(a)\noutput a\noutput b")));
  EXPECT_THAT(Read("onnx_file: 'two.onnx' head {}", 2),
              StatusIs(kInvalid, HasSubstr("network.head: expected a network")));
}

TEST_F(JobNetworkTest, ReinitialisingSparesWhatIsFrozen) {
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("onnx_file: 'net.onnx' reinitialize: true frozen: 'stem*'"));
  EXPECT_THAT(Values(network, "stem.w"), Each(5));
  EXPECT_THAT(Values(network, "scale"), Each(2)) << "the normalisation of its input";
  EXPECT_THAT(Values(network, "fc.b"), Each(0));
  EXPECT_THAT(Values(network, "bn.v"), Each(1));
  EXPECT_NE(Values(network, "fc.w")[0], Values(network, "fc.w")[1]);
}

TEST_F(JobNetworkTest, AServedModelIsItsFile) {
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("served { name: 'm' }", 0, 1, onnx_));
  EXPECT_THAT(Values(network, "stem.w"), Each(5));
  EXPECT_THAT(Read("served { name: 'm' }"), StatusIs(kInvalid, HasSubstr("network.served: expected a server")));
}

TEST_F(JobNetworkTest, ErrorsOfAFileNameFieldAndFile) {
  EXPECT_THAT(Read("onnx_file: 'none.onnx'"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("network.onnx_file: ")));
  EXPECT_THAT(Read("onnx_file: '../none.onnx'"), StatusIs(absl::StatusCode::kPermissionDenied));
  dir_.Write("bad.onnx", "hello");
  EXPECT_THAT(Read("onnx_file: 'bad.onnx'").status(),
              StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr("network.onnx_file: "), HasSubstr("bad.onnx"))));
  dir_.Write("eight.onnx", *WriteOnnx(Parse("graph g\ninput x float32 [8, 4]\ny = Relu(x)\noutput y")));
  EXPECT_THAT(Read("onnx_file: 'eight.onnx'"), StatusIs(kInvalid, AllOf(HasSubstr("eight.onnx': input 'x'"))));
}

TEST_F(JobNetworkTest, TheGraphAloneNeedsNoValues) {
  const v1::TrainJobSpec spec = *ParseJob("network { onnx_file: 'net.onnx' head {} }");
  ASSERT_OK_AND_ASSIGN(const Graph graph, ReadJobGraph(spec.network(), {dir_.path()}, ""));
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "x");
  const v1::TrainJobSpec described = *ParseJob("network { description_file: 'net.textproto' }");
  ASSERT_OK_AND_ASSIGN(const Graph other, ReadJobGraph(described.network(), {dir_.path()}, ""));
  EXPECT_EQ(other.outputs().size(), 1u);
}

}  // namespace
}  // namespace beak
