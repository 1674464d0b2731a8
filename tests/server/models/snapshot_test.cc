#include "server/models/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using ::testing::StartsWith;
using testing::StatusIs;

using enum VersionState;

std::shared_ptr<const ModelVersion> Version(int64_t number) {
  ModelVersion::Parts parts;
  parts.model = "m";
  parts.version = number;
  return std::make_shared<const ModelVersion>(std::move(parts));
}

class SnapshotTest : public ::testing::Test {
 protected:
  SnapshotTest() {
    snapshot_.models["m"].versions = {{1, {kReady, "", first_}},
                                      {2, {kReady, "", second_}},
                                      {3, {kFailed, "corrupt", nullptr}},
                                      {4, {kLoading, "", nullptr}}};
    snapshot_.models["loading"].versions = {{1, {kFailed, "", nullptr}}, {2, {kLoading, "", nullptr}}};
    snapshot_.models["broken"].versions = {{1, {kFailed, "corrupt", nullptr}}};
    snapshot_.models["bare"].reason = "no versions";
  }

  const std::shared_ptr<const ModelVersion> first_ = Version(1), second_ = Version(2);
  ModelSnapshot snapshot_;
};

TEST_F(SnapshotTest, TheNewestReadyVersionIsTheDefault) { EXPECT_THAT(snapshot_.Find("m", ""), IsOkAndHolds(second_)); }

TEST_F(SnapshotTest, AVersionCanBeAskedFor) { EXPECT_THAT(snapshot_.Find("m", "1"), IsOkAndHolds(first_)); }

TEST_F(SnapshotTest, WhatIsUnknownIsNotFound) {
  EXPECT_THAT(snapshot_.Find("x", ""),
              StatusIs(absl::StatusCode::kNotFound, StartsWith("Request for unknown model: 'x' is not found")));
  EXPECT_THAT(snapshot_.Find("m", "9"),
              StatusIs(absl::StatusCode::kNotFound, StartsWith("Request for unknown model: 'm' version 9")));
  EXPECT_THAT(snapshot_.Find("broken", ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'broken' has no available versions")));
  EXPECT_THAT(snapshot_.Find("bare", ""), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SnapshotTest, WhatIsNotReadyIsUnavailable) {
  EXPECT_THAT(snapshot_.Find("m", "3"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("failed: corrupt")));
  EXPECT_THAT(snapshot_.Find("m", "4"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not at ready state")));
  EXPECT_THAT(snapshot_.Find("loading", ""), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("loading")));
}

TEST_F(SnapshotTest, AVersionIsAWholeNumber) {
  for (const char* bad : {"one", "1.5", "99999999999999999999", "1x"}) {
    EXPECT_THAT(snapshot_.Find("m", bad), StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

TEST_F(SnapshotTest, ReadyMeansThatSomeVersionIs) {
  EXPECT_TRUE(snapshot_.HasReadyVersion("m"));
  for (const char* model : {"loading", "broken", "bare", "x"}) EXPECT_FALSE(snapshot_.HasReadyVersion(model)) << model;
}

}  // namespace
}  // namespace beak
