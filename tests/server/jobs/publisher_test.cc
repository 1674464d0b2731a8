#include "server/jobs/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/file.h"
#include "tests/server/jobs/publisher_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::kOwner;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class PublisherTest : public testing::PublisherFixture {};

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
    EXPECT_THAT(got, UnorderedElementsAre(1, 2));
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

}  // namespace
}  // namespace beak
