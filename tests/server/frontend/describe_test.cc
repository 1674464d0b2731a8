#include "server/frontend/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/inference/open_inference.pb.h"

namespace beak {
namespace {

using ::testing::ElementsAre;

TEST(DescribeTest, TheIndexTellsEveryStateInTheProtocolsWords) {
  using enum VersionState;
  ModelSnapshot models;
  models.models["a"].versions = {{1, {kUnloaded, "", nullptr}},
                                 {2, {kDraining, "", nullptr}},
                                 {3, {kReady, "", nullptr}},
                                 {4, {kFailed, "corrupt", nullptr}},
                                 {5, {kLoading, "", nullptr}}};
  models.models["b"].reason = "no versions";

  inference::RepositoryIndexResponse all;
  DescribeIndex(models, false, &all);
  std::vector<std::string> lines;
  for (const auto& model : all.models()) {
    lines.push_back(model.name() + "|" + model.version() + "|" + model.state() + "|" + model.reason());
  }
  EXPECT_THAT(lines, ElementsAre("a|1|UNAVAILABLE|", "a|2|UNLOADING|", "a|3|READY|", "a|4|UNAVAILABLE|corrupt",
                                 "a|5|LOADING|", "b||UNAVAILABLE|no versions"));

  inference::RepositoryIndexResponse ready;
  DescribeIndex(models, true, &ready);
  ASSERT_EQ(ready.models_size(), 1);
  EXPECT_EQ(ready.models(0).version(), "3");
}

TEST(DescribeTest, StatisticsAreComplete) {
  VersionStatistics statistics;
  statistics.last_inference_ms = 1;
  statistics.inference_count = 2;
  statistics.execution_count = 3;
  // Numbers that tell the parts apart: counts and nanoseconds.
  DurationSum* const parts[] = {&statistics.success,       &statistics.fail,          &statistics.queue,
                                &statistics.compute_input, &statistics.compute_infer, &statistics.compute_output,
                                &statistics.cache_hit,     &statistics.cache_miss};
  uint64_t n = 10;
  for (DurationSum* part : parts) {
    *part = {n, 100 * n};
    ++n;
  }
  statistics.batches[4] = {{1, 11}, {1, 12}, {1, 13}};
  statistics.batches[8] = {};

  inference::ModelStatistics message;
  Describe(statistics, &message);
  EXPECT_EQ(message.last_inference(), 1u);
  EXPECT_EQ(message.inference_count(), 2u);
  EXPECT_EQ(message.execution_count(), 3u);
  const inference::InferStatistics& told = message.inference_stats();
  std::vector<uint64_t> counts;
  for (const auto* part : {&told.success(), &told.fail(), &told.queue(), &told.compute_input(), &told.compute_infer(),
                           &told.compute_output(), &told.cache_hit(), &told.cache_miss()}) {
    counts.push_back(part->count());
    EXPECT_EQ(part->ns(), 100 * part->count());
  }
  EXPECT_THAT(counts, ElementsAre(10, 11, 12, 13, 14, 15, 16, 17));
  ASSERT_EQ(message.batch_stats_size(), 2);
  EXPECT_EQ(message.batch_stats(0).batch_size(), 4u);
  EXPECT_EQ(message.batch_stats(0).compute_input().ns(), 11u);
  EXPECT_EQ(message.batch_stats(0).compute_infer().ns(), 12u);
  EXPECT_EQ(message.batch_stats(0).compute_output().ns(), 13u);
  EXPECT_EQ(message.batch_stats(1).batch_size(), 8u);
}

}  // namespace
}  // namespace beak
