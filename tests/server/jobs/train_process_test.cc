#include "server/jobs/train_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>

#include "engine/base/scoped_fd.h"
#include "server/jobs/pacer.h"
#include "tests/server/jobs/trainer_support.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using testing::Eventually;
using ::testing::HasSubstr;
using testing::ProcessState;
using testing::ReadText;
using testing::StatusIs;
using testing::TempDir;

// A shell in the place of beak-train: the pipes are at its descriptors 3 (events) and 4 (control).
TrainCommand Shell(const std::string& script) { return {"/bin/sh", {"-c", script}}; }

std::string ReadToEnd(int fd) {
  fcntl(fd, F_SETFL, 0);
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n <= 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

std::unique_ptr<TrainProcess> Start(const TrainCommand& command) {
  absl::StatusOr<std::unique_ptr<TrainProcess>> process = TrainProcess::Start(command);
  EXPECT_OK(process);
  return *std::move(process);
}

TEST(TrainProcessTest, PipesCarryEventsTextAndTheWishToEnd) {
  const auto process = Start(Shell("echo event >&3; echo text; echo error >&2; cat <&4; exit 3"));
  EXPECT_FALSE(process->HasEnded());
  process->AskToEnd();
  EXPECT_EQ(ReadToEnd(process->events()), "event\n");
  EXPECT_EQ(ReadToEnd(process->output()), "text\nerror\n");
  EXPECT_EQ(process->Reap().status, 3);
}

TEST(TrainProcessTest, ArgumentsSayWhereThePipesAre) {
  const auto process = Start({"/bin/sh", {"-c", "echo $0 $@", "job.textproto"}});
  EXPECT_EQ(ReadToEnd(process->output()), "job.textproto --events-fd=3 --control-fd=4\n");
  EXPECT_EQ(process->Reap().status, 0);
}

TEST(TrainProcessTest, ItRunsHumblyAndInheritsNothing) {
  const ScopedFd leaky(open("/dev/null", O_RDONLY));  // not closed on exec
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  TrainCommand command = Shell(
      "cat /proc/self/oom_score_adj; ulimit -d; ls /proc/$$/fd | tr '\\n' ' '; echo; cut -d' ' -f5,19,41 "
      "/proc/$$/stat; "
      "echo $$; grep -E 'SigBlk|SigIgn' /proc/$$/status | tr '\\n\\t' '  '; echo $GOMP_SPINCOUNT");
  command.data_limit_bytes = int64_t{1} << 30;
  const auto process = Start(command);
  const std::string text = ReadToEnd(process->output());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // SIGHUP and SIGPIPE are 1 and 13; SCHED_IDLE is 5.
  const std::string pid = std::to_string(process->group());
  EXPECT_EQ(text, "1000\n1048576\n0 1 2 3 4 \n" + pid + " 19 5\n" + pid +
                      "\nSigBlk: 0000000000000000 SigIgn: 0000000000001001 1000\n");
  EXPECT_EQ(process->Reap().status, 0);
}

TEST(TrainProcessTest, AProgramThatCannotRunIsSaidToBeThat) {
  const TempDir dir;
  EXPECT_THAT(TrainProcess::Start({dir / "none", {}}), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir / "none")));
  dir.Write("text", "no program");
  EXPECT_THAT(TrainProcess::Start({dir / "text", {}}), StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(TrainProcessTest, EndsAreToldApart) {
  EXPECT_EQ(Start(Shell("exit 7"))->Reap().status, 7);
  const TrainProcess::End killed = Start(Shell("kill -KILL $$"))->Reap();
  EXPECT_EQ(killed.status, -1);
  EXPECT_EQ(killed.signal, SIGKILL);
}

TEST(TrainProcessTest, AWholeGroupIsKilled) {
  const auto process = Start(Shell("sleep 1000 & echo $!; wait"));
  std::string child;
  ASSERT_TRUE(Eventually([&] {
    char c = 0;
    while (read(process->output(), &c, 1) == 1) child.push_back(c);
    return child.ends_with("\n");
  }));
  process->Kill();
  EXPECT_EQ(process->Reap().signal, SIGKILL);
  EXPECT_TRUE(
      Eventually([&] { return ProcessState(std::stoi(child)) == '-' || ProcessState(std::stoi(child)) == 'Z'; }));
}

TEST(TrainProcessTest, WhatANormalEndLeavesBehindIsKilledToo) {
  const auto process = Start(Shell("sleep 1000 >/dev/null 2>&1 & echo $!"));
  std::string child;
  ASSERT_TRUE(Eventually([&] {
    char c = 0;
    while (read(process->output(), &c, 1) == 1) child.push_back(c);
    return child.ends_with("\n");
  }));
  EXPECT_EQ(process->Reap().status, 0);
  EXPECT_TRUE(
      Eventually([&] { return ProcessState(std::stoi(child)) == '-' || ProcessState(std::stoi(child)) == 'Z'; }));
}

TEST(TrainProcessTest, ADestroyedProcessIsGone) {
  pid_t pid = 0;
  {
    const auto process = Start(Shell("while :; do sleep 1000; done"));
    pid = process->group();
    EXPECT_NE(ProcessState(pid), '-');
  }
  EXPECT_EQ(ProcessState(pid), '-');
}

TEST(TrainProcessTest, ItIsPausedAndContinuedByItsGroup) {
  const auto process = Start(Shell("while :; do :; done"));
  Pacer pacer({1}, Clock::Real());
  ASSERT_OK(pacer.Add(process->group(), 1));
  pacer.SetLanesBusy(1);
  EXPECT_TRUE(Eventually([&] { return ProcessState(process->group()) == 'T'; }));
  pacer.SetLanesBusy(0);
  EXPECT_TRUE(Eventually([&] { return ProcessState(process->group()) != 'T'; }));
  pacer.SetLanesBusy(1);
  pacer.Remove(process->group());
  EXPECT_TRUE(Eventually([&] { return ProcessState(process->group()) == 'R'; })) << "it goes on to its end";
}

// Nobody is left to continue it: the kernel does, for its group has lost its parent.
TEST(TrainProcessTest, APausedProcessNoticesTheDeathOfItsServer) {
  const TempDir dir;
  const pid_t server = fork();
  ASSERT_GE(server, 0);
  if (server == 0) {
    // A server that dies while its trainer is paused. The shell starts no program meanwhile: until one that it has
    // just started is under way, it cannot be paused itself.
    const auto process =
        TrainProcess::Start(Shell("echo $$ > " + (dir / "pid") + "; read -r line <&4; echo > " + (dir / "ended")));
    if (!process.ok()) _exit(1);
    while (ReadText(dir / "pid").empty()) usleep(1000);
    kill(-(*process)->group(), SIGSTOP);
    while (ProcessState((*process)->group()) != 'T') usleep(1000);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(server, &status, 0), server);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(Eventually([&] { return !ReadText(dir / "ended").empty(); }))
      << "it has read the end of the control pipe";
}

}  // namespace
}  // namespace beak
