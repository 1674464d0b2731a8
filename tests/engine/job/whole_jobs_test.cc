// Jobs as users write them, from the text to the first steps: what the parts of engine/job make of each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/data/loader.h"
#include "engine/io/npy.h"
#include "engine/job/job_data.h"
#include "engine/job/job_network.h"
#include "engine/job/job_plan.h"
#include "engine/job/job_spec.h"
#include "engine/onednn/backend.h"
#include "engine/train/trainer.h"
#include "proto/beak/v1/train.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::span<const std::byte> BytesOf(const Tensor& tensor) { return {tensor.bytes(), tensor.byte_size()}; }

// A job, its data and network opened, and planned.
struct OpenedJob {
  JobData data;
  JobNetwork network;
  JobPlan plan;
};

class WholeJobsTest : public ::testing::Test {
 protected:
  absl::StatusOr<OpenedJob> Open(const std::string& text) {
    ASSIGN_OR_RETURN(const v1::TrainJobSpec spec, ParseJob("model: 'm' " + text));
    EXPECT_THAT(CheckSpec(spec), IsEmpty());
    JobDataOptions options;
    options.folder = {dir_.path()};
    ASSIGN_OR_RETURN(options.index_fields, FindIndexFields(spec, options.folder, ""));
    OpenedJob job;
    ASSIGN_OR_RETURN(job.data, OpenJobData(spec.data(), options));
    ASSIGN_OR_RETURN(job.network, ReadJobNetwork(spec.network(), options.folder, "",
                                                 CountClasses(job.data.training->schema()), spec.training().seed()));
    ASSIGN_OR_RETURN(job.plan, MakeJobPlan(spec, job.data, 1, job.network));
    return job;
  }

  // Trains as the plan says and gives the mean losses of the first and the last epoch.
  static absl::StatusOr<std::pair<double, double>> Train(const OpenedJob& job) {
    const JobPlan& plan = job.plan;
    ASSIGN_OR_RETURN(const auto trainer, Trainer::Create(job.network.graph, plan.trainer, CpuBackend()));
    ASSIGN_OR_RETURN(const auto loader, data::Loader::Create(job.data.training, plan.loading));
    EXPECT_EQ(loader->batches_per_epoch(), plan.batches_per_epoch);
    double first = 0, last = 0;
    for (int64_t i = 0; i < plan.epochs * plan.batches_per_epoch; ++i) {
      ASSIGN_OR_RETURN(const data::Batch* batch, loader->Next());
      TrainingBatch samples = {batch->rows};
      for (const size_t field : plan.input_fields) samples.inputs.push_back(BytesOf(batch->tensors[field]));
      for (const size_t field : plan.target_fields) samples.targets.push_back(BytesOf(batch->tensors[field]));
      const TrainPosition position = {trainer->steps(), i / plan.batches_per_epoch};
      ASSIGN_OR_RETURN(const BatchReport report, trainer->Train(samples, LearningRateAt(plan.schedule, position)));
      if (i < plan.batches_per_epoch) first += report.loss;
      if (i >= (plan.epochs - 1) * plan.batches_per_epoch) last += report.loss;
    }
    EXPECT_EQ(trainer->steps(), plan.steps);
    return std::pair(first, last);
  }

  static void ExpectLearns(const OpenedJob& job, double part) {
    ASSERT_OK_AND_ASSIGN(const auto losses, Train(job));
    EXPECT_LT(losses.second, part * losses.first);
  }

  testing::TempDir dir_;
};

Tensor Labels(int64_t count, int64_t classes) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(i % classes);
  return Tensor::Of<int64_t>({count}, labels);
}

TEST_F(WholeJobsTest, PicturesOfDigits) {
  const char* const sources = std::getenv("BEAK_SOURCE_DIR");
  const std::string network =
      absl::StrCat(sources == nullptr ? "." : sources, "/deploy/demo/networks/lecture_cnn.textproto");
  Tensor images = *Tensor::Create(DType::kUint8, {20, 28, 28});
  for (int64_t i = 0; i < images.num_elements(); ++i) {
    // Each class has rows of its own that are white.
    images.mutable_values<uint8_t>()[i] = i / 28 % 28 / 2 == i / 784 % 10 ? 255 : 0;
  }
  dir_.Write("images.npy", FormatNpy(images));
  dir_.Write("labels.npy", FormatNpy(Labels(20, 10)));
  std::error_code error;
  std::filesystem::copy_file(network, dir_ / "lecture_cnn.textproto", error);
  ASSERT_FALSE(error) << error.message();
  ASSERT_OK_AND_ASSIGN(const OpenedJob job, Open(R"(
    network { description_file: "lecture_cnn.textproto" }
    data {
      training { arrays { field { name: "image" file: "images.npy" }
                          field { name: "label" file: "labels.npy" classes { count: 10 } } } }
      hold_out { fraction: 0.5 }
    }
    input { field: "image" scale_range {} }
    training { epochs: 12 batch_size: 4 optimizer { learning_rate: 0.005 } keep_best: true schedule { cosine {} } })"));
  EXPECT_EQ(job.data.training->size(), 10);
  EXPECT_EQ(job.plan.batches_per_epoch, 3);
  EXPECT_EQ(job.plan.steps, 36);
  EXPECT_EQ(std::get<CosineDecay>(job.plan.schedule.shape).length, 36);
  EXPECT_THAT(job.plan.trainer.row_shapes, ElementsAre(Shape{1, 28, 28}));
  EXPECT_EQ(job.plan.classes->classes, 10);
  EXPECT_EQ(job.plan.metric, JobMetric::kAccuracy);
  ExpectLearns(job, 0.5);
}

TEST_F(WholeJobsTest, TwoOutputsWithALossEach) {
  const Tensor features = testing::RandomTensor({24, 6}, 1);
  std::vector<float> sums;
  std::vector<int64_t> signs;
  for (int64_t i = 0; i < 24; ++i) {
    float sum = 0;
    for (int64_t k = 0; k < 6; ++k) sum += features.values<float>()[i * 6 + k];
    sums.push_back(sum);
    signs.push_back(sum > 0 ? 1 : 0);
  }
  dir_.Write("x.npy", FormatNpy(features));
  dir_.Write("sum.npy", FormatNpy(Tensor::Of<float>({24, 1}, sums)));
  dir_.Write("sign.npy", FormatNpy(Tensor::Of<int64_t>({24}, signs)));
  ASSERT_OK_AND_ASSIGN(const OpenedJob job, Open(R"(
    network { description {
      input { name: "features" shape: 6 }
      layer { name: "hidden" dense { units: 8 activation: TANH } }
      layer { name: "sign" input: "hidden" dense { units: 2 activation: SOFTMAX } }
      layer { name: "sum" input: "hidden" dense { units: 1 } }
      output: "sign" output: "sum"
    } }
    data { training { arrays { field { name: "sum" file: "sum.npy" }
                               field { name: "sign" file: "sign.npy" classes {} }
                               field { name: "features" file: "x.npy" } } } }
    training {
      epochs: 40 batch_size: 8
      optimizer { learning_rate: 0.02 }
      loss { output: "sum" target: "sum" kind: MEAN_SQUARED_ERROR weight: 0.5 }
      loss { output: "sign" }
      l2: 0.0001
    })"));
  EXPECT_THAT(job.plan.input_fields, ElementsAre(2));
  EXPECT_THAT(job.plan.target_fields, ElementsAre(0, 1));
  EXPECT_EQ(job.plan.classes->loss, 1u);
  EXPECT_EQ(job.plan.classes->classes, 2);
  EXPECT_EQ(job.plan.trainer.penalties.size(), 3u);
  ExpectLearns(job, 0.4);
}

TEST_F(WholeJobsTest, ARegressionOverATable) {
  std::string table = "rooms,area,price\n";
  for (int i = 0; i < 30; ++i) absl::StrAppend(&table, i % 5, ",", 100 + i * 10, ",", i % 5 + i * 0.2, "\n");
  dir_.Write("houses.csv", table);
  ASSERT_OK_AND_ASSIGN(const OpenedJob job, Open(R"(
    network { description { input { name: "x" shape: 2 } layer { name: "y" dense { units: 1 } } } }
    data {
      training { csv { file: "houses.csv" field { name: "house" } field { name: "price" column: "price" } } }
      hold_out { fraction: 0.2 }
    }
    input { field: "house" standardise {} }
    training { epochs: 30 batch_size: 6 optimizer { learning_rate: 0.1 } loss { kind: MEAN_SQUARED_ERROR }
               early_stopping { patience: 3 } }
    publish { when: METRIC at_most: 1 })"));
  EXPECT_FALSE(job.plan.classes.has_value());
  EXPECT_EQ(job.plan.metric, JobMetric::kLoss);
  EXPECT_EQ(job.plan.early_stopping->goal, Goal::kMinimize);
  EXPECT_THAT(job.plan.trainer.training.frozen, UnorderedElementsAre("x/offset", "x/scale"));
  ExpectLearns(job, 0.1);
}

TEST_F(WholeJobsTest, ATextOfIndices) {
  // The class is whether word 7 is there.
  std::vector<int32_t> words;
  for (int64_t i = 0; i < 40; ++i) {
    for (int64_t k = 0; k < 5; ++k) words.push_back(i % 2 == 0 && k == i % 5 ? 7 : static_cast<int32_t>((i + k) % 6));
  }
  dir_.Write("words.npy", FormatNpy(Tensor::Of<int32_t>({40, 5}, words)));
  dir_.Write("labels.npy", FormatNpy(Labels(40, 2)));
  ASSERT_OK_AND_ASSIGN(const OpenedJob job, Open(R"(
    network { description {
      input { name: "words" shape: 5 data_type: INT64 }
      layer { name: "vectors" embedding { input_dim: 8 output_dim: 6 } }
      layer { name: "c" conv1d { filters: 8 kernel_size: 2 activation: RELU } }
      layer { name: "max" global_max_pooling {} }
      layer { name: "y" dense { units: 2 activation: SOFTMAX } }
    } }
    data { training { arrays { field { name: "words" file: "words.npy" }
                               field { name: "label" file: "labels.npy" classes { name: "no" name: "yes" } } } } }
    training { epochs: 40 batch_size: 8 optimizer { learning_rate: 0.05 } })"));
  EXPECT_EQ(job.data.training->schema().fields[0].dtype, DType::kInt64);
  EXPECT_THAT(job.plan.classes->names, ElementsAre("no", "yes"));
  ExpectLearns(job, 0.3);
}

}  // namespace
}  // namespace beak
