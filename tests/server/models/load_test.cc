#include "server/models/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proto/inference/model_config.pb.h"
#include "tests/server/support/networks.h"
#include "tests/server/support/programs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::StatusIs;

constexpr int kFloat = 1;  // ONNX's number

class LoadVersionTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const ModelVersion>> Load(const std::string& network, const std::string& config = "",
                                                           int lanes = 1) {
    VersionSource source;
    source.model = "m";
    source.version = 3;
    source.file = dir_.Write("model.onnx", network);
    source.label_folder = dir_.path();
    ASSIGN_OR_RETURN(source.config, ParseConfig(config, "config.pbtxt"));
    return LoadVersion(source, lanes, metrics_);
  }

  const testing::TempDir dir_;
  Metrics metrics_{"test"};
};

TEST_F(LoadVersionTest, WhatIsLoadedIsWarm) {
  ASSERT_OK_AND_ASSIGN(const auto version, Load(testing::ScaleNetwork(2), "", 2));
  EXPECT_EQ(version->model(), "m");
  EXPECT_EQ(version->version(), 3);
  EXPECT_EQ(version->max_batch_rows(), 64);
  ASSERT_EQ(version->AllPrograms().size(), 1u);
  const auto programs = version->Programs({{2}});
  for (const int threads : {1, 2}) {
    EXPECT_TRUE(programs->Has(1, threads)) << threads;
    EXPECT_TRUE(programs->Has(2, threads)) << threads;
  }
  EXPECT_FALSE(programs->Has(1, 3));
}

TEST_F(LoadVersionTest, WarmsUpAsTheConfigurationSays) {
  ASSERT_OK_AND_ASSIGN(const auto version, Load(testing::ScaleNetwork(2), R"(
      max_batch_size: 12 dynamic_batching { preferred_batch_size: [12, 3] } beak { max_cores: 2 })",
                                                4));
  const auto programs = version->Programs({{2}});
  for (const int threads : {1, 2}) {
    EXPECT_TRUE(programs->Has(3, threads)) << threads;
    EXPECT_TRUE(programs->Has(12, threads)) << threads;
    EXPECT_FALSE(programs->Has(16, threads)) << threads;
  }
  EXPECT_FALSE(programs->Has(1, 4)) << "two of the four cores are all it may have";
}

TEST_F(LoadVersionTest, OneLaneNeedsNoProgramsForSeveralThreads) {
  ASSERT_OK_AND_ASSIGN(const auto version, Load(testing::ScaleNetwork(2), "beak { max_cores: 8 }", 1));
  for (const Cost& cost : version->Programs({{2}})->costs().curve()->costs()) EXPECT_EQ(cost.threads, 1);
}

TEST_F(LoadVersionTest, FreeShapesAreNotWarmedUp) {
  ASSERT_OK_AND_ASSIGN(const auto version, Load(testing::IdentityNetwork(kFloat, {-1, -1})));
  EXPECT_TRUE(version->signature().batched());
  EXPECT_THAT(version->AllPrograms(), IsEmpty());
}

TEST_F(LoadVersionTest, ANetworkThatMixesRowsIsServedUnbatchedWhereNothingIsSaid) {
  for (const std::string& network :
       {testing::GatherNetwork(), testing::CentredNetwork(kFloat), testing::PairsNetwork()}) {
    ASSERT_OK_AND_ASSIGN(const auto version, Load(network));
    EXPECT_EQ(version->config().max_batch_size(), 0);
    EXPECT_FALSE(version->signature().batched());
    EXPECT_EQ(version->max_batch_rows(), 1);
    EXPECT_EQ(version->signature().inputs[0].dims[0], kFreeDim) << "the batch is a dimension like others";
    EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_model_load_duration_seconds{model="m",version="3"})"))
        << "the attempt that failed has not taken the series with it";
  }
}

TEST_F(LoadVersionTest, WhatIsServedUnbatchedRuns) {
  ASSERT_OK_AND_ASSIGN(const auto version, Load(testing::CentredNetwork(kFloat)));
  const auto programs = version->Programs({{3, 2}});
  ASSERT_OK(programs->Prepare(1, 1));
  ASSERT_OK_AND_ASSIGN(WorkspaceLease lease, programs->Acquire(1, 1));
  testing::WriteInput<float>(lease, 0, {1, 10, 2, 20, 3, 30});
  ASSERT_OK(lease.Run(nullptr));
  EXPECT_THAT(testing::ReadOutput<float>(lease, 0), ElementsAre(-1, -10, 0, 0, 1, 10));
}

TEST_F(LoadVersionTest, ANetworkThatMixesRowsFailsWhereBatchesAreAskedFor) {
  for (const std::string& network :
       {testing::GatherNetwork(), testing::CentredNetwork(kFloat), testing::PairsNetwork()}) {
    EXPECT_THAT(
        Load(network, "max_batch_size: 8"),
        StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("warm-up"), HasSubstr("max_batch_size: 0"))));
    EXPECT_OK(Load(network, "max_batch_size: 0"));
    EXPECT_OK(Load(network, "max_batch_size: 1")) << "rows that are alone mix with none";
  }
  EXPECT_THAT(Load(testing::CentredNetwork(kFloat), "dynamic_batching { preferred_batch_size: [4] }"),
              StatusIs(absl::StatusCode::kFailedPrecondition))
      << "this asks for batches too";
}

TEST_F(LoadVersionTest, WhatTheConfigurationSaysWrongIsNamed) {
  EXPECT_THAT(Load(testing::ScaleNetwork(2), "max_batch_size: 4 dynamic_batching { preferred_batch_size: [5] }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("configuration"), HasSubstr("preferred_batch_size"))));
  EXPECT_THAT(Load(testing::ScaleNetwork(2), "sequence_batching {}"),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("sequence_batching")));
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("model=\"m\""))) << "nothing was loaded";
}

// ---------------------------------------------------------------- ensembles: no file, no network

class LoadEnsembleTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const ModelVersion>> Load(const std::string& config) {
    VersionSource source;
    source.model = "e";
    source.version = 3;
    source.file = dir_ / "1/model.onnx";
    source.label_folder = dir_.path();
    source.folder = dir_ / "1";
    ASSIGN_OR_RETURN(source.config, ParseConfig(config, "config.pbtxt"));
    return LoadVersion(source, 2, metrics_);
  }
  // With more of it before its steps.
  static std::string Config(const std::string& more) {
    return more + R"(
        input { name: 'x' data_type: TYPE_UINT8 dims: [-1, 3] }
        output { name: 'y' data_type: TYPE_FP16 dims: [5] label_filename: 'names.txt' }
        ensemble_scheduling { step { model_name: 'm' input_map { key: 'in' value: 'x' }
                                     output_map { key: 'out' value: 'y' } } })";
  }

  const testing::TempDir dir_;
  Metrics metrics_{"test"};
};

TEST_F(LoadEnsembleTest, IsWhatItsConfigurationSays) {
  dir_.Write("names.txt", "left\nright\n");
  ASSERT_OK_AND_ASSIGN(const auto version, Load(Config("max_batch_size: 4 beak { weight: 2 }")));
  EXPECT_EQ(version->model(), "e");
  EXPECT_EQ(version->version(), 3);
  ASSERT_NE(version->ensemble(), nullptr);
  EXPECT_EQ(version->ensemble()->steps.size(), 1u);
  const Signature& signature = version->signature();
  EXPECT_EQ(signature.max_batch_size, 4);
  EXPECT_EQ(signature.inputs[0].name, "x");
  EXPECT_EQ(signature.inputs[0].dtype, DType::kUint8);
  EXPECT_THAT(signature.inputs[0].dims, ElementsAre(kFreeDim, 3));
  EXPECT_EQ(signature.outputs[0].dtype, DType::kFloat16);
  EXPECT_THAT(signature.outputs[0].labels, ElementsAre("left", "right"));
  EXPECT_EQ(version->options().weight, 2);
  EXPECT_EQ(version->config().name(), "e");
  EXPECT_EQ(version->config().platform(), "ensemble");
  EXPECT_EQ(version->config().version_policy().latest().num_versions(), 1u);
  EXPECT_EQ(version->weight_bytes(), 0);
  EXPECT_EQ(version->num_programs(), 0);
  EXPECT_THAT(version->AllPrograms(), IsEmpty());
}

TEST_F(LoadEnsembleTest, IsUnbatchedWhereNothingIsSaid) {
  dir_.Write("names.txt", "left\n");
  ASSERT_OK_AND_ASSIGN(const auto version, Load(Config("platform: 'ensemble' name: 'e'")));
  EXPECT_FALSE(version->signature().batched());
}

TEST_F(LoadEnsembleTest, WhatItsConfigurationSaysWrongIsNamed) {
  dir_.Write("names.txt", "left\n");
  const auto member = [](const std::string& tensors) {
    return tensors + "beak { averaging { member { model_name: 'm' } } }";
  };
  const std::string input = "input { name: 'x' data_type: TYPE_FP32 dims: [2] } ";
  const std::string output = "output { name: 'y' data_type: TYPE_FP32 dims: [2] } ";
  const struct {
    std::string config;
    absl::StatusCode code;
    const char* says;
  } cases[] = {
      {Config("platform: 'onnxruntime_onnx'"), absl::StatusCode::kUnimplemented, "platform: expected ensemble"},
      {Config("name: 'other'"), absl::StatusCode::kInvalidArgument, "name: expected the folder's name 'e'"},
      {Config("max_batch_size: -1"), absl::StatusCode::kInvalidArgument, "max_batch_size"},
      {Config("beak { weight: -1 }"), absl::StatusCode::kInvalidArgument, "beak.weight"},
      {member(input + input + output), absl::StatusCode::kInvalidArgument, "input 'x': expected once"},
      {member(input + output + output), absl::StatusCode::kInvalidArgument, "output 'y': expected once"},
      {member("input { name: 'x' dims: [2] } " + output), absl::StatusCode::kInvalidArgument, "TYPE_INVALID"},
      {member("input { name: 'x' data_type: TYPE_STRING dims: [2] } " + output), absl::StatusCode::kInvalidArgument,
       "input 'x': data_type: expected one of numbers, got TYPE_STRING"},
      {member(input + "output { name: 'y' data_type: TYPE_FP32 dims: [0] }"), absl::StatusCode::kInvalidArgument,
       "output 'y': dims"},
      {member("input { name: 'x' data_type: TYPE_FP32 dims: [2] reshape { shape: [1, 2] } } " + output),
       absl::StatusCode::kInvalidArgument, "reshape"},
      {"ensemble_scheduling {}", absl::StatusCode::kInvalidArgument, "expected inputs and outputs"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Load(c.config), StatusIs(c.code, AllOf(HasSubstr("configuration"), HasSubstr(c.says)))) << c.config;
  }
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("model=\"e\""))) << "nothing was loaded";
}

}  // namespace
}  // namespace beak
