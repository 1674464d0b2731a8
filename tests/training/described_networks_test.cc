// Whole training runs of the networks that are shipped, a few steps each.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "engine/base/file.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"
#include "tests/training/training_run.h"

namespace beak {
namespace {

using testing::DescribedTraining;
using testing::TrainDescribed;

struct Case {
  const char* name;
  Shape image;
  int64_t classes;
  int64_t rows;
};

const Case kCases[] = {
    {"lecture_cnn", {1, 28, 28}, 10, 8},
    {"lenet5", {1, 28, 28}, 10, 8},
    {"maxout", {1, 28, 28}, 10, 8},
    {"resnet20_cifar", {3, 32, 32}, 10, 4},
    {"mobilenet_v1_0.25", {3, 224, 224}, 1000, 2},
    {"alphago_policy_128", {48, 19, 19}, 361, 2},
};

class DescribedNetworksTest : public ::testing::TestWithParam<Case> {};

// The same few images again and again: whatever can be trained learns them.
TEST_P(DescribedNetworksTest, LearnsAFewImages) {
  const Case& one = GetParam();
  TrainerOptions options;
  options.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kAdam);
  options.batch_rows = one.rows;
  options.threads = 2;
  options.seed = 1;
  ASSERT_OK_AND_ASSIGN(DescribedTraining training, TrainDescribed(one.name, options));

  std::mt19937 bits(1);
  Shape shape = one.image;
  shape.insert(shape.begin(), one.rows);
  Tensor images = *Tensor::Create(DType::kFloat32, shape);
  for (float& value : images.mutable_values<float>()) value = static_cast<float>(bits()) / 4294967296.0f;
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < one.rows; ++i) numbers.push_back(i * 37 % one.classes);
  const Tensor labels = Tensor::Of<int64_t>({one.rows}, numbers);
  const TrainingBatch batch = {
      one.rows, {{images.bytes(), images.byte_size()}}, {{labels.bytes(), labels.byte_size()}}};

  double first = 0, last = 0;
  for (int step = 0; step < 12; ++step) {
    ASSERT_OK_AND_ASSIGN(const BatchReport report, training.trainer->Train(batch, 0.002));
    if (step == 0) first = report.loss;
    last = report.loss;
  }
  EXPECT_LT(last, 0.8 * first);
}

INSTANTIATE_TEST_SUITE_P(All, DescribedNetworksTest, ::testing::ValuesIn(kCases), [](const auto& one) {
  std::string name = one.param.name;
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
});

// A sixth of an epoch; the whole five are tests/benchmark's.
TEST(MnistTest, TheLecturesNetworkLearnsDigits) {
  const std::string images = testing::RealData("datasets/mnist/train-images-idx3-ubyte.gz");
  if (!IsRegularFile(images)) GTEST_SKIP() << images << " is not there (BEAK_DATA)";
  TrainerOptions options;
  options.optimizer = DefaultOptions(Flavour::kKeras, OptimizerKind::kAdam);
  options.batch_rows = 50;
  options.threads = 2;
  ASSERT_OK_AND_ASSIGN(DescribedTraining training, TrainDescribed("lecture_cnn", options, {0}, {1.0f / 255}));
  ASSERT_OK_AND_ASSIGN(const auto train, testing::OpenMnist("train"));
  ASSERT_OK_AND_ASSIGN(const auto test, testing::OpenMnist("t10k"));
  data::LoaderOptions loading;
  loading.batch_size = 50;
  ASSERT_OK_AND_ASSIGN(const auto loader, data::Loader::Create(train, loading));
  for (int step = 0; step < 200; ++step) {
    ASSERT_OK_AND_ASSIGN(const data::Batch* batch, loader->Next());
    ASSERT_OK(training.trainer->Train(testing::ToTrainingBatch(*batch), 0.001));
  }
  ASSERT_OK_AND_ASSIGN(const double accuracy, testing::Accuracy(training, test, 2000, 2));
  EXPECT_GT(accuracy, 0.9) << "10,000 images were seen once";
}

}  // namespace
}  // namespace beak
