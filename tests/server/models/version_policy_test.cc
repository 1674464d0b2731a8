#include "server/models/version_policy.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/inference/model_config.pb.h"

namespace beak {
namespace {

struct Case {
  const char* policy;
  std::vector<int64_t> available, wanted;
};

TEST(SelectVersionsTest, FollowsThePolicy) {
  const std::vector<Case> cases = {
      {"", {1, 3, 20}, {20}},
      {"", {}, {}},
      {"latest {}", {1, 3}, {3}},
      {"latest { num_versions: 2 }", {1, 3, 20}, {3, 20}},
      {"latest { num_versions: 9 }", {1, 3}, {1, 3}},
      {"all {}", {1, 3, 20}, {1, 3, 20}},
      {"specific { versions: [3, 1, 3] }", {1, 2, 3}, {1, 3}},
      {"specific { versions: [7] }", {1, 2}, {7}},
      {"specific {}", {1, 2}, {}},
  };
  for (const Case& c : cases) {
    inference::ModelVersionPolicy policy;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(c.policy, &policy)) << c.policy;
    EXPECT_THAT(SelectVersions(policy, c.available), ::testing::ElementsAreArray(c.wanted)) << c.policy;
  }
}

}  // namespace
}  // namespace beak
