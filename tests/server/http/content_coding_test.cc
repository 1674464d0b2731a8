#include "server/http/content_coding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using testing::IsOkAndHolds;
using testing::StatusIs;

constexpr int64_t kLimit = 1 << 20;

TEST(ContentCodingTest, WhatIsEncodedIsDecoded) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 1000);
  for (const ContentCoding coding : {ContentCoding::kIdentity, ContentCoding::kGzip, ContentCoding::kDeflate}) {
    EXPECT_THAT(Decode(coding, Encode(coding, text), kLimit), IsOkAndHolds(text)) << NameOf(coding);
    EXPECT_THAT(Decode(coding, Encode(coding, ""), kLimit), IsOkAndHolds("")) << NameOf(coding);
  }
  EXPECT_LT(Encode(ContentCoding::kGzip, text).size(), text.size() / 2);
}

// Made with Python: gzip.compress(b"beak", mtime=0), zlib.compress(b"beak").
TEST(ContentCodingTest, OthersBytesAreRead) {
  const std::string gzip(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x4a\x4d\xcc\x06\x00\x69\x0b\xf1\x58\x04\x00\x00\x00", 24);
  const std::string zlib("\x78\x9c\x4b\x4a\x4d\xcc\x06\x00\x03\xe8\x01\x94", 12);
  EXPECT_THAT(Decode(ContentCoding::kGzip, gzip, kLimit), IsOkAndHolds("beak"));
  EXPECT_THAT(Decode(ContentCoding::kDeflate, zlib, kLimit), IsOkAndHolds("beak"));
}

TEST(ContentCodingTest, WhatIsNoneIsRefused) {
  const std::string whole = Encode(ContentCoding::kGzip, std::string(1000, 'x'));
  std::string wrong = whole;
  wrong[wrong.size() - 6] ^= 1;  // of the checksum
  const std::string kBad[] = {"",
                              "x",
                              whole.substr(0, 5),
                              whole.substr(0, whole.size() - 1),
                              whole + "x",
                              wrong,
                              Encode(ContentCoding::kDeflate, "x")};
  for (const std::string& bad : kBad) {
    EXPECT_THAT(Decode(ContentCoding::kGzip, bad, kLimit), StatusIs(absl::StatusCode::kInvalidArgument)) << bad.size();
  }
}

TEST(ContentCodingTest, ABombDoesNotGoOff) {
  const std::string bomb = Encode(ContentCoding::kGzip, std::string(64 << 20, '\0'));
  EXPECT_LT(bomb.size(), 1u << 20);
  EXPECT_THAT(Decode(ContentCoding::kGzip, bomb, kLimit), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ContentCodingTest, ClientsSayWhatTheyTake) {
  EXPECT_EQ(ChooseContentCoding(""), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseContentCoding("br"), ContentCoding::kIdentity);
  EXPECT_EQ(ChooseContentCoding("deflate, GZIP"), ContentCoding::kGzip);
  EXPECT_EQ(ChooseContentCoding("gzip;q=0, deflate;q=0.5"), ContentCoding::kDeflate);
  EXPECT_EQ(ChooseContentCoding(";;;,,q=;gzip"), ContentCoding::kIdentity);
}

TEST(ContentCodingTest, NamesAreKnown) {
  EXPECT_EQ(ParseContentCoding(" X-GZip "), ContentCoding::kGzip);
  EXPECT_EQ(ParseContentCoding("identity"), ContentCoding::kIdentity);
  EXPECT_EQ(ParseContentCoding("br"), std::nullopt);
}

}  // namespace
}  // namespace beak
