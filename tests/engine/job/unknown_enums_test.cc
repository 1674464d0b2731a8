#include "engine/job/unknown_enums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

using ::testing::ElementsAre;

TEST(FindUnknownEnumsTest, LooksIntoEveryMessage) {
  v1::TrainJobSpec spec;
  spec.mutable_training()->mutable_optimizer()->set_flavour(v1::PYTORCH);
  spec.mutable_training()->add_loss();
  spec.mutable_training()->add_loss()->set_kind(static_cast<v1::Loss::Kind>(-3));
  spec.mutable_publish()->set_when(static_cast<v1::Publish::When>(4));
  std::vector<std::string> lines = {"first"};
  FindUnknownEnums(spec, "job", lines);
  EXPECT_THAT(lines, ElementsAre("first",
                                 "job.training.loss[1].kind: expected SOFTMAX_CROSS_ENTROPY, BINARY_CROSS_ENTROPY or "
                                 "MEAN_SQUARED_ERROR, got -3",
                                 "job.publish.when: expected ALWAYS, NEVER, METRIC or BETTER_THAN_SERVING, got 4"));
}

}  // namespace
}  // namespace beak
