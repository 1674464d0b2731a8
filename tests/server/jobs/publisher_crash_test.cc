// Publications and removals that end between any two of their steps.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "server/jobs/publisher.h"
#include "tests/server/jobs/publisher_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::kOwner;
using ::testing::ElementsAre;

constexpr int kKilled = 9;

// Publishes or removes in a process that ends at its `last` step; false where it came to its end before.
bool EndsAt(int last, const std::string& repository, const std::function<void(const Publisher&)>& run) {
  const pid_t child = fork();
  if (child == 0) {
    int step = 0;
    run(Publisher(repository, kOwner, [&] {
      if (++step == last) _exit(kKilled);
    }));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status) == kKilled;
}

class PublisherCrashTest : public testing::PublisherFixture {};

class CrashTest : public PublisherCrashTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // The model's folder before: not there, or as the parameter says.
  void Prepare() const {
    std::filesystem::remove_all(repository_);
    std::filesystem::create_directory(repository_);
    const std::string before = GetParam();
    if (before == "plain" || before == "configured") dir_.Write("models/m/1/model.onnx", "by hand");
    if (before == "configured") dir_.Write("models/m/config.pbtxt", "# mine");
  }
};

TEST_P(CrashTest, APublicationThatEndedInBetweenIsMadeGoodOnce) {
  const bool is_new = std::string(GetParam()) == "new";
  const std::vector<int64_t> before = is_new ? std::vector<int64_t>{} : std::vector<int64_t>{1};
  const std::vector<int64_t> after = is_new ? std::vector<int64_t>{1} : std::vector<int64_t>{1, 2};
  int step = 1;
  for (bool ended = true; ended; ++step) {
    Prepare();
    ended = EndsAt(step, repository_, [&](const Publisher& publisher) { publisher.Publish(Of("a")).IgnoreError(); });
    const std::vector<int64_t> seen = Versions();
    EXPECT_TRUE(seen == before || seen == after) << "step " << step;
    ASSERT_OK(publisher_.CleanUp());
    EXPECT_EQ(Versions(), seen) << "step " << step;
    // Another job in between, now and then.
    if (step % 2 == 0) {
      EXPECT_OK(publisher_.Publish(Of("b")));
    }
    const absl::StatusOr<int64_t> version = publisher_.Publish(Of("a"));
    ASSERT_OK(version);
    EXPECT_EQ(Read("m/" + std::to_string(*version) + "/lineage.json"), "{\"of\": \"a\"}");
    EXPECT_EQ(Versions().size(), after.size() + (step % 2 == 0 ? 1 : 0)) << "step " << step;
    EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(*version));
    EXPECT_THAT(Names(repository_), ElementsAre("m"));
    const std::string config = Read("m/config.pbtxt");
    EXPECT_EQ(config == "# mine", std::string(GetParam()) == "configured") << config;
    if (config != "# mine") {
      EXPECT_EQ(Read("m/labels.txt"), "labels of" + config.substr(4)) << "step " << step;
    }
  }
  EXPECT_GT(step, 8);
}

INSTANTIATE_TEST_SUITE_P(Models, CrashTest, ::testing::Values("new", "plain", "configured"),
                         [](const auto& model) { return std::string(model.param); });

TEST_F(PublisherCrashTest, ARemovalThatEndedInBetweenLeavesWholeVersionsOnly) {
  int step = 1;
  for (bool ended = true; ended; ++step) {
    std::filesystem::remove_all(repository_ + "/m");
    ASSERT_OK(publisher_.Publish(Of("a")));
    ASSERT_OK(publisher_.Publish(Of("b")));
    ended =
        EndsAt(step, repository_, [&](const Publisher& publisher) { publisher.RemoveOld("m", 1, {}).IgnoreError(); });
    EXPECT_THAT(Versions(), ElementsAre(2));
    ASSERT_OK(publisher_.CleanUp());
    EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("2", "config.pbtxt", "labels.txt"));
  }
  EXPECT_GT(step, 2);
}

TEST_F(PublisherCrashTest, CleaningUpTouchesNothingOfOthers) {
  dir_.Write("models/.a.another.tmp/1/model.onnx", "");
  dir_.Write("models/.git/config", "");
  dir_.Write("models/m/.a.another.tmp/model.onnx", "");
  dir_.Write("models/m/a." + std::string(kOwner) + ".tmp", "");
  dir_.Write("models/m/1/.a." + std::string(kOwner) + ".tmp", "");
  dir_.Write("models/file", "");
  dir_.Write("models/.a." + std::string(kOwner) + ".tmp/1/model.onnx", "");
  dir_.Write("models/m/.b." + std::string(kOwner) + ".tmp/1/model.onnx", "");
  ASSERT_OK(publisher_.CleanUp());
  EXPECT_THAT(Names(repository_), ElementsAre(".a.another.tmp", ".git", "file", "m"));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre(".a.another.tmp", "1", "a." + std::string(kOwner) + ".tmp"));
  EXPECT_THAT(Names(repository_ + "/m/1"), ElementsAre(".a." + std::string(kOwner) + ".tmp"));
}

}  // namespace
}  // namespace beak
