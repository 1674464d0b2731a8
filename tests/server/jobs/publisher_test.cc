#include "server/jobs/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/file.h"
#include "server/models/repository.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kOwner = "0123456789abcdef";
constexpr int kKilled = 9;

class PublisherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(repository_);
    WriteResult("a");
    WriteResult("b");
  }

  // What beak-train would have written for a job.
  void WriteResult(const std::string& job) {
    dir_.Write(job + "/result/model.onnx", "network of " + job + std::string(100000, '.'));
    dir_.Write(job + "/result/lineage.json", "{\"of\": \"" + job + "\"}");
    dir_.Write(job + "/result/labels.txt", "labels of " + job + "\n");
    dir_.Write(job + "/result/config.pbtxt", "# of " + job + "\n");
    dir_.Write(job + "/result/result.binpb", "");
  }

  Publication Of(const std::string& job, const std::string& model = "m") const {
    return {job, model, dir_ / (job + "/result"), 1764150000000};
  }

  // The versions that a server would see; fails where one of them is not whole.
  std::vector<int64_t> Versions(const std::string& model = "m") const {
    const absl::StatusOr<ModelFolder> folder = ScanModelFolder(repository_, model);
    if (!folder.ok()) return {};
    for (const int64_t version : folder->versions) {
      const std::string path = folder->path + "/" + std::to_string(version);
      if (!IsRegularFile(path + "/publication.json")) continue;  // not ours
      EXPECT_EQ(std::filesystem::file_size(path + "/model.onnx"), 100012u) << path;
      EXPECT_TRUE(IsRegularFile(path + "/lineage.json")) << path;
    }
    return folder->versions;
  }

  std::string Read(const std::string& name) const { return ReadFile(repository_ + "/" + name, 1 << 20).value_or(""); }

  // Everything in a folder, hidden names included.
  static std::vector<std::string> Names(const std::string& path) {
    return ListDirectory(path).value_or(std::vector<std::string>{});
  }

  TempDir dir_;
  const std::string repository_ = dir_ / "models";
  const Publisher publisher_{repository_, kOwner};
};

// ---------------------------------------------------------------- publishing

TEST_F(PublisherTest, ANewModelIsMadeWithItsFirstVersion) {
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_THAT(Versions(), ElementsAre(1));
  EXPECT_THAT(Names(repository_), ElementsAre("m"));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("1", "config.pbtxt", "labels.txt"));
  EXPECT_THAT(Names(repository_ + "/m/1"),
              ElementsAre("config.pbtxt", "labels.txt", "lineage.json", "model.onnx", "publication.json"));
  EXPECT_EQ(Read("m/1/lineage.json"), "{\"of\": \"a\"}");
  EXPECT_EQ(Read("m/config.pbtxt"), "# of a\n");
  EXPECT_EQ(Read("m/1/publication.json"),
            "{\"job\": \"a\", \"server\": \"0123456789abcdef\", \"version\": 1, "
            "\"published_at\": \"2025-11-26T09:40:00Z\"}\n");
}

TEST_F(PublisherTest, NumbersGoOnFromTheHighestThatIsThere) {
  dir_.Write("models/m/7/model.onnx", "by hand");
  dir_.Write("models/m/0012/model.onnx", "no version");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(8));
  EXPECT_THAT(publisher_.Publish(Of("b")), IsOkAndHolds(9));
  EXPECT_THAT(Versions(), ElementsAre(7, 8, 9));
  EXPECT_EQ(Read("m/7/model.onnx"), "by hand");
}

TEST_F(PublisherTest, ANumberThatAFileHasIsTaken) {
  dir_.Write("models/m/3", "a file");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(4));
  EXPECT_EQ(Read("m/3"), "a file");
}

TEST_F(PublisherTest, WhenNoNumberIsLeftItIsRefused) {
  dir_.Write("models/m/9223372036854775807/model.onnx", "by hand");
  EXPECT_THAT(publisher_.Publish(Of("a")), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("9223372036854775807"));
}

TEST_F(PublisherTest, AModelKeepsItsOwnConfiguration) {
  dir_.Write("models/m/config.pbtxt", "# mine");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_EQ(Read("m/config.pbtxt"), "# mine");
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("1", "config.pbtxt"));
}

TEST_F(PublisherTest, AModelWithoutAConfigurationGetsOne) {
  dir_.Write("models/m/1/model.onnx", "by hand");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(2));
  EXPECT_EQ(Read("m/config.pbtxt"), "# of a\n");
  EXPECT_EQ(Read("m/labels.txt"), "labels of a\n");
}

TEST_F(PublisherTest, LabelsAndConfigurationNeedNotBeThere) {
  std::filesystem::remove(dir_ / "a/result/labels.txt");
  std::filesystem::remove(dir_ / "a/result/config.pbtxt");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("1"));
}

TEST_F(PublisherTest, AJobPublishesOnce) {
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_THAT(publisher_.Publish(Of("b")), IsOkAndHolds(2));
  std::filesystem::remove_all(dir_ / "a");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_THAT(Versions(), ElementsAre(1, 2));
}

TEST_F(PublisherTest, AJobOfTheSameIdOnAnotherServerIsAnother) {
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_THAT(Publisher(repository_, "another").Publish(Of("a")), IsOkAndHolds(2));
}

TEST_F(PublisherTest, ACopyUnderAnotherNumberIsNotTheJobs) {
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  std::filesystem::rename(repository_ + "/m/1", repository_ + "/m/5");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(6));
}

TEST_F(PublisherTest, ARecordThatCannotBeReadIsNobodys) {
  for (const char* text : {"", "{", "[1]", "{\"job\": \"a\"}", "{\"job\": 1, \"version\": 1}"}) {
    dir_.Write("models/m/1/publication.json", text);
    dir_.Write("models/m/1/model.onnx", std::string(100012, '.'));
    dir_.Write("models/m/1/lineage.json", "");
    EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(2)) << text;
    std::filesystem::remove_all(repository_ + "/m");
  }
}

TEST_F(PublisherTest, TwoJobsMayPublishOneModelAtATime) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    std::vector<int64_t> got(2);
    for (size_t i = 0; i < got.size(); ++i) {
      threads.emplace_back([&, i] { got[i] = publisher_.Publish(Of(i == 0 ? "a" : "b")).value_or(-1); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(got, ::testing::UnorderedElementsAre(1, 2));
    EXPECT_THAT(Versions(), ElementsAre(1, 2));
    EXPECT_EQ(Read("m/" + std::to_string(got[1]) + "/lineage.json"), "{\"of\": \"b\"}");
    // Configuration and labels are of one job.
    const std::string job = got[0] == 1 ? "a" : "b";
    EXPECT_EQ(Read("m/config.pbtxt"), "# of " + job + "\n");
    EXPECT_EQ(Read("m/labels.txt"), "labels of " + job + "\n");
    EXPECT_THAT(Names(repository_), ElementsAre("m"));
    EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("1", "2", "config.pbtxt", "labels.txt"));
    std::filesystem::remove_all(repository_ + "/m");
  }
}

TEST_F(PublisherTest, ANumberThatSomebodyTakesInBetweenIsPassedOver) {
  dir_.Write("models/m/1/model.onnx", "by hand");
  const Publisher interrupted(repository_, kOwner, [&] { dir_.Write("models/m/2/model.onnx", "by hand, too"); });
  EXPECT_THAT(interrupted.Publish(Of("a")), IsOkAndHolds(3));
  EXPECT_EQ(Read("m/2/model.onnx"), "by hand, too");
  EXPECT_THAT(Read("m/3/publication.json"), HasSubstr("\"version\": 3"));
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(3));
}

TEST_F(PublisherTest, AModelThatSomebodyMakesInBetweenGetsAVersion) {
  const Publisher interrupted(repository_, kOwner, [&] { dir_.Write("models/m/1/model.onnx", "by hand"); });
  EXPECT_THAT(interrupted.Publish(Of("a")), IsOkAndHolds(2));
  EXPECT_EQ(Read("m/1/model.onnx"), "by hand");
  EXPECT_THAT(Names(repository_), ElementsAre("m"));
}

TEST_F(PublisherTest, AModelMayLieBehindALink) {
  std::filesystem::create_directory(dir_ / "elsewhere");
  std::filesystem::create_directory_symlink(dir_ / "elsewhere", repository_ + "/m");
  EXPECT_THAT(publisher_.Publish(Of("a")), IsOkAndHolds(1));
  EXPECT_TRUE(IsRegularFile(dir_ / "elsewhere/1/model.onnx"));
}

// ---------------------------------------------------------------- refused

TEST_F(PublisherTest, ANameThatCannotBeAFoldersIsRefused) {
  for (const std::string& model :
       {std::string(), std::string("."), std::string(".."), std::string("../m"), std::string("a/b"),
        std::string(".hidden"), std::string("a b"), std::string("a\n"), std::string(256, 'x')}) {
    EXPECT_THAT(publisher_.Publish(Of("a", model)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model name")));
  }
  EXPECT_THAT(Names(repository_), IsEmpty());
}

TEST_F(PublisherTest, AFileOfTheModelsNameIsLeftAlone) {
  dir_.Write("models/m", "a file");
  EXPECT_THAT(publisher_.Publish(Of("a")), StatusIs(absl::StatusCode::kFailedPrecondition,
                                                    HasSubstr("model 'm': expected '" + repository_ + "/m'")));
  EXPECT_EQ(Read("m"), "a file");
  std::filesystem::create_symlink("nowhere", repository_ + "/n");
  EXPECT_THAT(publisher_.Publish(Of("a", "n")), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(PublisherTest, AResultThatLacksFilesIsRefused) {
  for (const char* file : {"model.onnx", "lineage.json"}) {
    WriteResult("a");
    std::filesystem::remove(dir_ / ("a/result/" + std::string(file)));
    EXPECT_THAT(publisher_.Publish(Of("a")), StatusIs(absl::StatusCode::kNotFound, HasSubstr(file)));
    EXPECT_THAT(Names(repository_), IsEmpty());
  }
}

TEST_F(PublisherTest, ARepositoryThatIsNotThereIsRefused) {
  const Publisher publisher(dir_ / "nothing", kOwner);
  EXPECT_THAT(publisher.Publish(Of("a")), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir_ / "nothing")));
  EXPECT_THAT(publisher.CleanUp(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("model repository")));
}

// Runs in a process of its own; true where `run` is.
bool InChild(const std::function<bool()>& run) {
  const pid_t child = fork();
  if (child == 0) _exit(run() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(PublisherTest, AReadOnlyRepositoryIsLeftAsItIs) {
  dir_.Write("models/m/config.pbtxt", "# mine");
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  for (const char* folder : {"models/m", "models"}) {
    std::filesystem::permissions(dir_ / folder, std::filesystem::perms(0555));
  }
  EXPECT_TRUE(InChild([&] {
    if (geteuid() == 0 && setuid(65534) != 0) return false;  // root may write everywhere
    return absl::IsPermissionDenied(publisher_.Publish(Of("a")).status()) &&
           absl::IsPermissionDenied(publisher_.Publish(Of("a", "new")).status());
  }));
  for (const char* folder : {"models", "models/m"}) {
    std::filesystem::permissions(dir_ / folder, std::filesystem::perms(0755));
  }
  EXPECT_THAT(Names(repository_), ElementsAre("m"));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("config.pbtxt"));
}

TEST_F(PublisherTest, ADiskThatIsFullLeavesNothing) {
  for (const char* model : {"m", "new"}) {
    if (*model == 'm') dir_.Write("models/m/config.pbtxt", "# mine");
    EXPECT_TRUE(InChild([&] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{50000, 50000};
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
      return absl::IsResourceExhausted(publisher_.Publish(Of("a", model)).status());
    }));
  }
  EXPECT_THAT(Names(repository_), ElementsAre("m"));
  EXPECT_THAT(Names(repository_ + "/m"), ElementsAre("config.pbtxt"));
}

// ---------------------------------------------------------------- ended in between

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

class CrashTest : public PublisherTest, public ::testing::WithParamInterface<const char*> {
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

TEST_F(PublisherTest, ARemovalThatEndedInBetweenLeavesWholeVersionsOnly) {
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

TEST_F(PublisherTest, CleaningUpTouchesNothingOfOthers) {
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

// ---------------------------------------------------------------- what is kept

class RemoveOldTest : public PublisherTest {
 protected:
  // Versions 1 by hand, 2 to 5 by jobs, 6 by hand.
  void SetUp() override {
    PublisherTest::SetUp();
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
