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

}  // namespace
}  // namespace beak
