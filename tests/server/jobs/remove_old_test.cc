#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "server/jobs/publisher.h"
#include "tests/server/jobs/publisher_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;

class RemoveOldTest : public testing::PublisherFixture {
 protected:
  // Versions 1 by hand, 2 to 5 by jobs, 6 by hand.
  void SetUp() override {
    PublisherFixture::SetUp();
    dir_.Write("models/m/1/model.onnx", "by hand");
    for (const char* job : {"a", "b", "c", "d"}) {
      WriteResult(job);
      ASSERT_OK(publisher_.Publish(Of(job)));
    }
    dir_.Write("models/m/6/model.onnx", "by hand");
  }
};

TEST_F(RemoveOldTest, TheNewestOfTheJobsStayAndAllOfOthers) {
  EXPECT_THAT(publisher_.RemoveOld("m", 2, {}), IsOkAndHolds(std::vector<int64_t>{2, 3}));
  EXPECT_THAT(Versions(), ElementsAre(1, 4, 5, 6));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("1", "4", "5", "6", "config.pbtxt", "labels.txt"));
  EXPECT_THAT(publisher_.RemoveOld("m", 2, {}), IsOkAndHolds(std::vector<int64_t>{}));
}

TEST_F(RemoveOldTest, WhatIsInUseStays) {
  EXPECT_THAT(publisher_.RemoveOld("m", 1, {3, 1}), IsOkAndHolds(std::vector<int64_t>{2, 4}));
  EXPECT_THAT(Versions(), ElementsAre(1, 3, 5, 6));
}

TEST_F(RemoveOldTest, ZeroKeepsAll) {
  EXPECT_THAT(publisher_.RemoveOld("m", 0, {}), IsOkAndHolds(std::vector<int64_t>{}));
  EXPECT_THAT(publisher_.RemoveOld("m", 4, {}), IsOkAndHolds(std::vector<int64_t>{}));
  EXPECT_THAT(Versions(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(RemoveOldTest, ACopyOfAPublishedVersionStays) {
  std::filesystem::rename(repository_ + "/m/2", repository_ + "/m/9");
  EXPECT_THAT(publisher_.RemoveOld("m", 1, {}), IsOkAndHolds(std::vector<int64_t>{3, 4}));
  EXPECT_THAT(Versions(), ElementsAre(1, 5, 6, 9));
}

TEST_F(RemoveOldTest, AModelThatIsNotThereIsToldAbout) {
  EXPECT_THAT(publisher_.RemoveOld("nothing", 1, {}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(publisher_.RemoveOld("../models/m", 1, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace beak
