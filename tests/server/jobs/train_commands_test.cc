#include "server/jobs/train_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beak {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TrainSettings Settings() { return {"/bin/beak-train", "/data", 4, int64_t{1} << 30, "1.2.3"}; }

TEST(TrainCommandsTest, ACheckWritesNothing) {
  const TrainCommand command = CheckCommand(Settings(), "/job.textproto", "");
  EXPECT_EQ(command.program, "/bin/beak-train");
  EXPECT_THAT(command.arguments, ElementsAre("/job.textproto", "--data-dir=/data", "--threads=4",
                                             "--code-version=1.2.3", "--memory-limit-bytes=1073741824", "--check"));
}

TEST(TrainCommandsTest, ARunGoesOnInItsFolder) {
  const TrainCommand command = RunCommand(Settings(), "/job.textproto", "/jobs/m-1", "/served.onnx", "");
  EXPECT_THAT(command.arguments, ElementsAre("/job.textproto", "--data-dir=/data", "--threads=4",
                                             "--code-version=1.2.3", "--served-model=/served.onnx",
                                             "--memory-limit-bytes=1073741824", "--output=/jobs/m-1", "--resume"));
  EXPECT_THAT(RunCommand(Settings(), "/job.textproto", "/jobs/m-1", "", "/serving.onnx").arguments,
              Contains("--compare=/serving.onnx"));
}

TEST(TrainCommandsTest, TheProcessMayHaveMoreThanItsPlan) {
  const TrainCommand command = CheckCommand(Settings(), "/job.textproto", "");
  EXPECT_GT(command.data_limit_bytes, Settings().memory_limit_bytes + (int64_t{256} << 20));
  EXPECT_LT(command.data_limit_bytes, 2 * Settings().memory_limit_bytes);
  TrainSettings settings = Settings();
  settings.memory_limit_bytes = 0;
  const TrainCommand unlimited = CheckCommand(settings, "/job.textproto", "");
  EXPECT_EQ(unlimited.data_limit_bytes, 0);
  EXPECT_THAT(unlimited.arguments, Not(Contains(::testing::StartsWith("--memory-limit-bytes"))));
}

TEST(TrainCommandsTest, AJobMayAskForThreads) {
  v1::TrainJobSpec spec;
  EXPECT_EQ(SettingsFor(spec, Settings()).threads, 4);
  spec.mutable_training()->set_threads(2);
  EXPECT_EQ(SettingsFor(spec, Settings()).threads, 2);
}

}  // namespace
}  // namespace beak
