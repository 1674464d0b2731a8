#include "server/jobs/run_verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

RunEnd Status(int status, const std::string& last_line = "") {
  RunEnd end;
  end.process.status = status;
  end.last_line = last_line;
  return end;
}
RunEnd Signal(int signal) {
  RunEnd end;
  end.process.signal = signal;
  return end;
}
RunEnd NotStarted(const absl::Status& status) {
  RunEnd end;
  end.started = status;
  return end;
}
RunEnd Garbage() {
  RunEnd end = Signal(SIGKILL);
  end.events = absl::DataLossError("event: expected a TrainEvent");
  return end;
}
v1::TrainFailure Failure(const std::string& message, int code = 3) {
  v1::TrainFailure failure;
  failure.set_code(code);
  failure.set_message(message);
  return failure;
}

TEST(RunVerdictTest, EveryEndMeansSomething) {
  const auto verdict = [](const RunEnd& end, bool has_result = false, bool asked = false) {
    return Judge(end, std::nullopt, has_result, asked).verdict;
  };
  EXPECT_EQ(verdict(Status(0), true), Verdict::kDone);
  EXPECT_EQ(verdict(Status(0), true, true), Verdict::kDone) << "it was quicker than the wish";
  EXPECT_EQ(verdict(Status(0)), Verdict::kDied);
  EXPECT_EQ(verdict(Status(1)), Verdict::kDied);
  EXPECT_EQ(verdict(Status(2)), Verdict::kFailed);
  EXPECT_EQ(verdict(Status(3)), Verdict::kDied) << "somebody else has stopped it";
  EXPECT_EQ(verdict(Status(3), false, true), Verdict::kStopped);
  EXPECT_EQ(verdict(Status(127)), Verdict::kDied);
  EXPECT_EQ(verdict(Signal(SIGKILL)), Verdict::kDied);
  EXPECT_EQ(verdict(Signal(SIGKILL), false, true), Verdict::kStopped);
  EXPECT_EQ(verdict(Signal(SIGSEGV), true), Verdict::kDied);
  EXPECT_EQ(verdict(Garbage()), Verdict::kFailed);
  EXPECT_EQ(verdict(NotStarted(absl::CancelledError(""))), Verdict::kStopped);
  EXPECT_EQ(verdict(NotStarted(absl::UnavailableError(""))), Verdict::kNotYet);
  EXPECT_EQ(verdict(NotStarted(absl::ResourceExhaustedError(""))), Verdict::kDied);
  EXPECT_EQ(verdict(NotStarted(absl::NotFoundError(""))), Verdict::kFailed);
}

TEST(RunVerdictTest, AFailureThatWasToldIsBelieved) {
  for (const RunEnd& end : {Status(1), Status(0), Signal(SIGABRT)}) {
    const RunVerdict verdict = Judge(end, Failure("the loss is no number"), false, false);
    EXPECT_EQ(verdict.verdict, Verdict::kFailed);
    EXPECT_EQ(verdict.reason, "the loss is no number");
  }
  EXPECT_EQ(Judge(Status(1), Failure("disk full"), false, true).verdict, Verdict::kFailed) << "asked or not";
}

TEST(RunVerdictTest, ReasonsSayHowItEnded) {
  const auto reason = [](const RunEnd& end) { return Judge(end, std::nullopt, false, false).reason; };
  EXPECT_EQ(reason(Signal(SIGSEGV)), "beak-train was ended by signal 11 (Segmentation fault)");
  EXPECT_EQ(reason(Status(1, "bad alloc")),
            "beak-train ended with status 1 and told no reason; it last wrote: bad alloc");
  EXPECT_EQ(reason(Status(0)), "beak-train ended without a result");
  EXPECT_EQ(reason(Garbage()), "beak-train: event: expected a TrainEvent");
  EXPECT_EQ(reason(NotStarted(absl::NotFoundError("no model"))), "no model");
}

TEST(RunVerdictTest, LongReasonsAreCutBetweenCharacters) {
  std::string text;
  while (text.size() < 10'000) text += "x\xc3\xa4";
  for (int shift = 0; shift < 3; ++shift) {
    const std::string reason = Judge(Status(1), Failure(std::string(shift, 'y') + text), false, false).reason;
    EXPECT_LT(reason.size(), 3100u);
    EXPECT_THAT(reason, HasSubstr(" more bytes)"));
    v1::TrainFailure whole;
    EXPECT_TRUE(whole.ParseFromString(Failure(reason).SerializeAsString())) << "UTF-8 still";
  }
}

TEST(RunVerdictTest, AChecksEndSaysWhatIsWrongWithTheSpec) {
  EXPECT_THAT(JudgeCheck(Status(0), std::nullopt), IsOk());
  RunEnd slow = Signal(SIGKILL);
  slow.timed_out = true;
  EXPECT_THAT(JudgeCheck(slow, std::nullopt), IsOk());
  EXPECT_THAT(JudgeCheck(Status(1), Failure("training.epochs", 3)),
              StatusIs(absl::StatusCode::kInvalidArgument, "training.epochs"));
  EXPECT_THAT(JudgeCheck(Status(1), Failure("data", 5)), StatusIs(absl::StatusCode::kNotFound));
  for (const int code : {0, -1, 17, 1000}) {
    EXPECT_THAT(JudgeCheck(Status(1), Failure("?", code)), StatusIs(absl::StatusCode::kInternal));
  }
  EXPECT_THAT(JudgeCheck(Status(1), std::nullopt), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(JudgeCheck(Signal(SIGSEGV), std::nullopt), StatusIs(absl::StatusCode::kInternal, HasSubstr("signal 11")));
  EXPECT_THAT(JudgeCheck(Garbage(), std::nullopt), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(JudgeCheck(NotStarted(absl::UnavailableError("no thread")), std::nullopt),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace beak
