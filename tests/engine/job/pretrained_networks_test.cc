// Transfer learning from networks that others have trained, as far as the folder of real data has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/job/job_network.h"
#include "engine/job/job_spec.h"
#include "engine/onednn/backend.h"
#include "engine/ops/op.h"
#include "engine/train/trainer.h"
#include "proto/beak/v1/train.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

struct Case {
  const char* name;
  const char* file;
  Shape sample;
};

void PrintTo(const Case& one, std::ostream* os) { *os << one.file; }

const Case kTrained[] = {
    {"Mnist8", "models/onnx/mnist-8/model.onnx", {1, 28, 28}},
    {"OnnxMlirMnist", "models/onnx/onnx-mlir-mnist/model.onnx", {1, 28, 28}},
    {"SqueezeNetFloat16", "models/onnx/winml-squeezenet-fp16/model.onnx", {3, 224, 224}},
    {"Cifar10", "models/pair-cifar10-winml/ImageClassifier.onnx", {3, 32, 32}},
};

// Whose weights are fill-ins.
const Case kHollow[] = {
    {"SqueezeNet", "conformance/onnx-light/light_squeezenet.onnx", {3, 224, 224}},
    {"ResNet50", "conformance/onnx-light/light_resnet50.onnx", {3, 224, 224}},
    {"ShuffleNet", "conformance/onnx-light/light_shufflenet.onnx", {3, 224, 224}},
    {"AlexNet", "conformance/onnx-light/light_bvlc_alexnet.onnx", {3, 224, 224}},
    {"DenseNet121", "conformance/onnx-light/light_densenet121.onnx", {3, 224, 224}},
};

// With several outputs, or pictures as outputs.
const Case kOthers[] = {
    {"SuperResolution", "models/onnx/super-resolution-10/model.onnx", {1, 224, 224}},
    {"UltraFace", "models/ultraface-rfb320/version-RFB-320.onnx", {3, 240, 320}},
    {"YuNet", "models/onnx/yunet-n-320/model.onnx", {3, 320, 320}},
};

std::string NameOf(const ::testing::TestParamInfo<Case>& one) { return one.param.name; }

// A picture of each kind, in the range of bytes.
Tensor DarkAndBright(const Shape& sample) {
  Shape shape = sample;
  shape.insert(shape.begin(), 2);
  Tensor images = testing::RandomTensor(shape, 1);
  const std::span<float> values = images.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = values[i] * 20 + (i < values.size() / 2 ? -60 : 60);
  return images;
}

class PretrainedNetworksTest : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    path_ = std::filesystem::absolute(testing::RealData(GetParam().file)).string();
    if (!IsRegularFile(path_)) GTEST_SKIP() << path_ << " is not there (BEAK_DATA)";
  }

  absl::StatusOr<JobNetwork> Read(const std::string& more) const {
    const v1::TrainJobSpec spec = *ParseJob(absl::StrCat("network { onnx_file: '", path_, "' ", more, " }"));
    return ReadJobNetwork(spec.network(), {"/", false}, "", 2, 1);
  }

  std::string path_;
};

TEST_P(PretrainedNetworksTest, TakesBatches) {
  ASSERT_OK_AND_ASSIGN(JobNetwork network, Read(""));
  Graph& graph = network.graph;
  Shape shape = GetParam().sample;
  shape.insert(shape.begin(), 3);
  graph.mutable_value(graph.inputs()[0]).type.shape = ToPartial(shape);
  ASSERT_OK(InferShapes(graph, /*require_static=*/true));
  for (const ValueId output : graph.outputs()) {
    EXPECT_EQ(ToShape(*graph.value(output).type.shape)[0], 3) << graph.value(output).name;
  }
}

class PretrainedHeadsTest : public PretrainedNetworksTest {};

// Two classes for the last layer's, whatever is behind it, and batches for one sample.
TEST_P(PretrainedHeadsTest, HaveTwoOutputs) {
  ASSERT_OK_AND_ASSIGN(JobNetwork network, Read("head {} frozen: '*'"));
  Graph& graph = network.graph;
  Shape shape = GetParam().sample;
  shape.insert(shape.begin(), 3);
  graph.mutable_value(graph.inputs()[0]).type.shape = ToPartial(shape);
  ASSERT_OK(InferShapes(graph, /*require_static=*/true));
  Shape output = ToShape(*graph.value(graph.outputs()[0]).type.shape);
  std::erase(output, 1);
  EXPECT_EQ(output, (Shape{3, 2}));
  std::vector<std::string> trained;
  for (const Parameter& parameter : FindParameters(graph)) {
    if (network.options.training.frozen.count(parameter.name) == 0) trained.push_back(parameter.name);
  }
  EXPECT_GE(trained.size(), 1u);
  EXPECT_LE(trained.size(), 2u) << "weights and bias";
}

class PretrainedWeightsTest : public PretrainedNetworksTest {};

TEST_P(PretrainedWeightsTest, LearnTwoClasses) {
  const Case& one = GetParam();
  ASSERT_OK_AND_ASSIGN(const JobNetwork network, Read("head {}"));
  TrainerOptions options = network.options;
  options.training.losses = {{network.graph.value(network.graph.outputs()[0]).name}};
  options.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kAdam);
  options.row_shapes = {one.sample};
  options.batch_rows = 2;
  options.threads = 1;
  ASSERT_OK_AND_ASSIGN(const auto trainer, Trainer::Create(network.graph, options, CpuBackend()));
  const Tensor images = DarkAndBright(one.sample), labels = Tensor::Of<int64_t>({2}, {0, 1});
  const TrainingBatch batch = {2, {{images.bytes(), images.byte_size()}}, {{labels.bytes(), labels.byte_size()}}};
  double first = 0, last = 0;
  for (int step = 0; step < 12; ++step) {
    ASSERT_OK_AND_ASSIGN(const BatchReport report, trainer->Train(batch, 0.001));
    if (step == 0) first = report.loss;
    last = report.loss;
  }
  EXPECT_LT(last, 0.7 * first);
}

INSTANTIATE_TEST_SUITE_P(Trained, PretrainedNetworksTest, ::testing::ValuesIn(kTrained), NameOf);
INSTANTIATE_TEST_SUITE_P(Hollow, PretrainedNetworksTest, ::testing::ValuesIn(kHollow), NameOf);
INSTANTIATE_TEST_SUITE_P(Others, PretrainedNetworksTest, ::testing::ValuesIn(kOthers), NameOf);
INSTANTIATE_TEST_SUITE_P(Trained, PretrainedHeadsTest, ::testing::ValuesIn(kTrained), NameOf);
INSTANTIATE_TEST_SUITE_P(Hollow, PretrainedHeadsTest, ::testing::ValuesIn(kHollow), NameOf);
INSTANTIATE_TEST_SUITE_P(Trained, PretrainedWeightsTest, ::testing::ValuesIn(kTrained), NameOf);

}  // namespace
}  // namespace beak
