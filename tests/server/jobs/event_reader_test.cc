#include "server/jobs/event_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

std::string Delimited(const std::string& bytes) {
  std::string text;
  size_t length = bytes.size();
  for (; length >= 0x80; length >>= 7) text.push_back(static_cast<char>((length & 0x7f) | 0x80));
  text.push_back(static_cast<char>(length));
  return text + bytes;
}

std::string Notice(const std::string& text) {
  v1::TrainEvent event;
  event.set_notice(text);
  return Delimited(event.SerializeAsString());
}

// What a reader makes of bytes that come in pieces of a size.
struct Reading {
  std::vector<std::string> notices;
  absl::Status status;
  bool at_boundary = true;
};
Reading Read(const std::string& bytes, size_t piece, int64_t max_bytes = kMaxEventBytes) {
  Reading reading;
  EventReader reader(max_bytes);
  for (size_t i = 0; i < bytes.size() && reading.status.ok(); i += piece) {
    reading.status = reader.Feed(std::string_view(bytes).substr(i, piece),
                                 [&](const v1::TrainEvent& event) { reading.notices.push_back(event.notice()); });
  }
  reading.at_boundary = reader.at_boundary();
  return reading;
}

TEST(EventReaderTest, EventsAreCutOutOfPiecesOfAnySize) {
  const std::string bytes = Notice("first") + Notice(std::string(300, 'x')) + Notice("") + Notice("last");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    const Reading reading = Read(bytes, piece);
    EXPECT_THAT(reading.notices, ElementsAre("first", std::string(300, 'x'), "", "last")) << piece;
    EXPECT_OK(reading.status);
    EXPECT_TRUE(reading.at_boundary);
  }
}

TEST(EventReaderTest, ACutEventIsNotTold) {
  const std::string bytes = Notice("first") + Notice("second");
  for (size_t length = Notice("first").size() + 1; length < bytes.size(); ++length) {
    const Reading reading = Read(bytes.substr(0, length), 1);
    EXPECT_THAT(reading.notices, ElementsAre("first"));
    EXPECT_OK(reading.status);
    EXPECT_FALSE(reading.at_boundary);
  }
}

TEST(EventReaderTest, AnEventThatIsTooLongIsRefusedByItsLength) {
  const Reading fits = Read(Notice(std::string(100, 'x')), 7, 200);
  EXPECT_OK(fits.status);
  const Reading reading = Read(Notice("first") + Delimited(std::string(201, 'x')).substr(0, 2), 1, 200);
  EXPECT_THAT(reading.notices, ElementsAre("first"));
  EXPECT_THAT(reading.status, StatusIs(absl::StatusCode::kDataLoss, "event: expected at most 200 bytes, got 201"));
}

TEST(EventReaderTest, WhatIsNoEventIsRefusedAndNothingIsReadAfterwards) {
  for (const std::string& garbage :
       {std::string(5, '\xff'), std::string("\xff\xff\xff\xff\x7f"), Delimited("\xff\xff\xff"),
        Delimited("\x1a\x02\xc3\x28")}) {  // the last: a notice that is no UTF-8
    EventReader reader;
    int told = 0;
    const auto count = [&](const v1::TrainEvent&) { ++told; };
    EXPECT_THAT(reader.Feed(garbage, count), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("event: expected")));
    EXPECT_THAT(reader.Feed(Notice("later"), count), StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_EQ(told, 0);
  }
}

TEST(EventReaderTest, ATextThatIsNoProtocolIsRefused) {
  const std::string text =
      "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n";
  const Reading reading = Read(text + text, 1);
  EXPECT_THAT(reading.status, StatusIs(absl::StatusCode::kDataLoss));
}

TEST(EventReaderTest, RandomBytesNeverDoHarm) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 64, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string valid = Notice("valid");
    const Reading reading = Read(valid + bytes, 1 + random() % 8, 1 << 20);
    ASSERT_GE(reading.notices.size(), 1u);
    EXPECT_EQ(reading.notices.front(), "valid");
  }
}

}  // namespace
}  // namespace beak
