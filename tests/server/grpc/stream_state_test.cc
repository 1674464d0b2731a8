#include "server/grpc/stream_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Act = StreamState::Act;
using End = StreamState::End;

std::string Describe(const StreamState::Step& step) {
  switch (step.act) {
    case Act::kNothing:
      return "nothing";
    case Act::kRead:
      return "read";
    case Act::kWrite:
      return "write " + std::to_string(step.request);
    case Act::kAbandon:
      return "abandon";
    case Act::kFinish:
      break;
  }
  switch (step.end) {
    case End::kDone:
      return "finish";
    case End::kError:
      return "finish with error " + std::to_string(step.request);
    case End::kCancelled:
      return "finish cancelled";
    case End::kServer:
      break;
  }
  return "finish for the server";
}

// All that is to be done until something happens.
std::vector<std::string> Steps(StreamState& state) {
  std::vector<std::string> steps;
  for (StreamState::Step step = state.Next(); step.act != Act::kNothing; step = state.Next()) {
    steps.push_back(Describe(step));
  }
  return steps;
}

constexpr StreamState::Limits kLimits = {3, 100};

TEST(StreamStateTest, ReadsOnWhileRequestsAreUnderWay) {
  StreamState state(kLimits, false);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
  EXPECT_THAT(Steps(state), IsEmpty()) << "one read at a time";
  EXPECT_EQ(state.OnRead(1), 0u);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
  EXPECT_EQ(state.OnRead(1), 1u);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
}

TEST(StreamStateTest, AnswersLeaveInTheOrderOfTheirRequests) {
  StreamState state(kLimits, false);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Steps(state), ElementsAre("read"));
    state.OnRead(1);
  }
  state.OnAnswer(2, true, 1);
  state.OnAnswer(1, true, 1);
  EXPECT_THAT(Steps(state), IsEmpty());
  state.OnAnswer(0, true, 1);
  EXPECT_THAT(Steps(state), ElementsAre("write 0"));
  EXPECT_THAT(Steps(state), IsEmpty()) << "one write at a time";
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("write 1", "read"));
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("write 2"));
}

TEST(StreamStateTest, StopsReadingAtTheLimitOfRequestsUntilAnAnswerHasBeenSent) {
  StreamState state(kLimits, false);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Steps(state), ElementsAre("read"));
    state.OnRead(1);
  }
  EXPECT_THAT(Steps(state), IsEmpty());
  state.OnAnswer(0, true, 1);
  EXPECT_THAT(Steps(state), ElementsAre("write 0")) << "an answer that nobody takes fills its place";
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
}

TEST(StreamStateTest, StopsReadingAtTheLimitOfBytes) {
  StreamState state(kLimits, false);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
  state.OnRead(1000);
  EXPECT_THAT(Steps(state), IsEmpty()) << "one is taken whatever its size, but no other beside it";
  state.OnAnswer(0, true, 99);
  EXPECT_THAT(Steps(state), ElementsAre("write 0", "read")) << "what counts now is the answer's size";
  state.OnRead(1);
  EXPECT_THAT(Steps(state), IsEmpty());
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
}

TEST(StreamStateTest, EndsAfterTheLastAnswerOnceTheClientHasNoMoreRequests) {
  StreamState state(kLimits, false);
  Steps(state);
  state.OnRead(1);
  Steps(state);
  state.OnReadEnd();
  EXPECT_THAT(Steps(state), IsEmpty());
  state.OnAnswer(0, false, 1);
  EXPECT_THAT(Steps(state), ElementsAre("write 0")) << "an error is an answer like others";
  EXPECT_THAT(Steps(state), IsEmpty());
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("finish"));
  EXPECT_THAT(Steps(state), IsEmpty()) << "once";
}

TEST(StreamStateTest, AStreamWithoutRequestsEnds) {
  StreamState state(kLimits, false);
  Steps(state);
  state.OnReadEnd();
  EXPECT_THAT(Steps(state), ElementsAre("finish"));
}

TEST(StreamStateTest, AnErrorEndsTheStreamWhereThatIsWantedInItsTurn) {
  StreamState state(kLimits, true);
  for (int i = 0; i < 3; ++i) {
    Steps(state);
    state.OnRead(1);
  }
  state.OnAnswer(1, false, 1);
  EXPECT_THAT(Steps(state), IsEmpty()) << "the answer before it comes first";
  state.OnAnswer(0, true, 1);
  EXPECT_THAT(Steps(state), ElementsAre("write 0"));
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("abandon"));
  EXPECT_THAT(Steps(state), IsEmpty()) << "an answer is still owed, and uses what belongs to the stream";
  state.OnAnswer(2, false, 1);
  EXPECT_THAT(Steps(state), ElementsAre("finish with error 1"));
}

TEST(StreamStateTest, AnErrorDoesNotWaitForTheNextRequest) {
  StreamState state(kLimits, true);
  Steps(state);
  state.OnRead(1);
  EXPECT_THAT(Steps(state), ElementsAre("read"));
  state.OnAnswer(0, false, 1);
  EXPECT_THAT(Steps(state), ElementsAre("abandon", "finish with error 0"));
  EXPECT_EQ(state.OnRead(1), std::nullopt) << "a request that comes now is too late";
  EXPECT_THAT(Steps(state), IsEmpty());
}

TEST(StreamStateTest, ACancelledStreamEndsWhenNothingIsOwedAnyMore) {
  StreamState state(kLimits, false);
  for (int i = 0; i < 2; ++i) {
    Steps(state);
    state.OnRead(1);
  }
  state.OnAnswer(0, true, 1);
  EXPECT_THAT(Steps(state), ElementsAre("write 0", "read"));
  state.OnCancel();
  EXPECT_THAT(Steps(state), ElementsAre("abandon"));
  state.OnReadEnd();
  state.OnAnswer(1, false, 1);
  EXPECT_THAT(Steps(state), IsEmpty()) << "a write is under way";
  state.OnWritten(false);
  EXPECT_THAT(Steps(state), ElementsAre("finish cancelled"));
}

TEST(StreamStateTest, ARequestThatComesAfterTheEndIsNotStarted) {
  StreamState state(kLimits, false);
  Steps(state);
  state.OnCancel();
  EXPECT_THAT(Steps(state), ElementsAre("abandon", "finish cancelled"));
  EXPECT_EQ(state.OnRead(1), std::nullopt);
  EXPECT_THAT(Steps(state), IsEmpty());
}

TEST(StreamStateTest, AnAnswerThatCannotBeSentAbandonsTheRest) {
  StreamState state(kLimits, false);
  for (int i = 0; i < 2; ++i) {
    Steps(state);
    state.OnRead(1);
  }
  Steps(state);
  state.OnAnswer(0, true, 1);
  Steps(state);
  state.OnWritten(false);
  EXPECT_THAT(Steps(state), ElementsAre("abandon"));
  state.OnAnswer(1, true, 1);
  EXPECT_THAT(Steps(state), ElementsAre("finish cancelled"));
}

TEST(StreamStateTest, TheServersEndWaitsForAnswersButForNoRequest) {
  StreamState state(kLimits, false);
  Steps(state);
  state.OnRead(1);
  Steps(state);
  state.OnServerEnds();
  EXPECT_THAT(Steps(state), IsEmpty());
  state.OnAnswer(0, true, 1);
  EXPECT_THAT(Steps(state), ElementsAre("write 0"));
  state.OnWritten(true);
  EXPECT_THAT(Steps(state), ElementsAre("finish for the server"));
}

// Random histories: whatever happens, every answer is written once and in order, the bounds hold, and the stream ends.
TEST(StreamStateTest, KeepsItsPromisesOverRandomHistories) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto chance = [&random](int one_in) { return random() % static_cast<unsigned>(one_in) == 0; };
    const bool errors_end_it = chance(2);
    StreamState state(kLimits, errors_end_it);
    std::vector<uint64_t> owed;
    std::vector<uint64_t> written;
    bool reading = false, writing = false, finished = false, abandoned = false;
    uint64_t requests = 0;
    for (int event = 0; event < 10'000 && !finished; ++event) {
      for (auto step = state.Next(); step.act != Act::kNothing; step = state.Next()) {
        ASSERT_FALSE(finished);
        if (step.act == Act::kRead) {
          ASSERT_FALSE(reading || abandoned);
          ASSERT_LT(requests - written.size() + (writing ? 1 : 0), 3u);
          reading = true;
        } else if (step.act == Act::kWrite) {
          ASSERT_FALSE(writing || abandoned);
          ASSERT_EQ(step.request, written.size());
          writing = true;
          written.push_back(step.request);
        } else if (step.act == Act::kAbandon) {
          ASSERT_FALSE(abandoned);
          abandoned = true;
        } else {
          ASSERT_TRUE(!writing && owed.empty());
          if (step.end == End::kDone) {
            ASSERT_EQ(written.size(), requests);
          }
          finished = true;
        }
      }
      if (reading && chance(2)) {
        reading = false;
        if (chance(20)) {
          state.OnReadEnd();
        } else if (const auto number = state.OnRead(random() % 80)) {
          ASSERT_EQ(*number, requests++);
          owed.push_back(*number);
        }
      }
      if (!owed.empty() && chance(2)) {
        const size_t which = random() % owed.size();
        state.OnAnswer(owed[which], !chance(8), random() % 80);
        owed.erase(owed.begin() + static_cast<long>(which));
      }
      if (writing && chance(2)) {
        writing = false;
        state.OnWritten(!chance(50));
      }
      if (chance(200)) state.OnCancel();
    }
    EXPECT_TRUE(finished);
  }
}

}  // namespace
}  // namespace beak
