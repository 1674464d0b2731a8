#include "server/grpc/describe.h"

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

}  // namespace
}  // namespace beak
