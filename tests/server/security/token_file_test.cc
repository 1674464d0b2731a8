#include "server/security/token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// 64 digits that differ with `n`.
std::string Digest(int n) { return absl::StrCat(std::string(60, 'a'), 1000 + n); }

TEST(TokenFileTest, LinesAreNamesRolesAndDigests) {
  const auto tokens = ParseTokens(absl::StrCat("# made by beak token\n\n  \t\r\nci predict ", Digest(1),
                                               "\n\tops-2@site.x  admin,metrics,train \t", Digest(2), "  # Ada's\r\n"),
                                  "F");
  ASSERT_OK(tokens);
  ASSERT_EQ(tokens->size(), 2u);
  EXPECT_EQ((*tokens)[0].name, "ci");
  EXPECT_EQ((*tokens)[0].roles, kPredict);
  EXPECT_EQ((*tokens)[0].sha256.front(), 0xaa);
  EXPECT_EQ((*tokens)[0].sha256.back(), 0x01);
  EXPECT_EQ((*tokens)[1].name, "ops-2@site.x");
  EXPECT_EQ((*tokens)[1].roles, kAdmin | kMetrics | kTrain);
}

TEST(TokenFileTest, NoTokensAreATokenFileThatAdmitsNobody) {
  for (const char* text : {"", "\n", "# nothing", "#a b c"}) {
    const auto tokens = ParseTokens(text, "F");
    ASSERT_OK(tokens);
    EXPECT_THAT(*tokens, IsEmpty());
  }
}

struct BadFile {
  std::string text;
  std::string says;
};

TEST(TokenFileTest, WhatIsWrongIsToldWithItsLine) {
  const std::string good = absl::StrCat("ci predict ", Digest(1), "\n");
  const std::vector<BadFile> files = {
      {"ci", "F:1: expected NAME ROLE[,ROLE...] SHA256, got 1 word"},
      {"ci predict", "F:1: expected NAME ROLE[,ROLE...] SHA256, got 2 words"},
      {good + "ops admin " + Digest(2) + " more", "F:2: expected NAME ROLE[,ROLE...] SHA256, got 4 words"},
      {"\n# c\n\nci root " + Digest(1), "F:4: expected a role (predict, admin, train, metrics), got 'root'"},
      {"ci predict, " + Digest(1), "got ''"},
      {"ci ,predict " + Digest(1), "got ''"},
      {"ci PREDICT " + Digest(1), "got 'PREDICT'"},
      {"c/i predict " + Digest(1), "letters, digits"},
      {"c\xc3\xa4 predict " + Digest(1), "letters, digits"},
      {"c\x01 predict " + Digest(1), "got 'c\\x01'"},
      {std::string("c\0i predict ", 12) + Digest(1), "letters, digits"},
      {std::string(65, 'n') + " predict " + Digest(1), "at most 64"},
      {"ci predict " + Digest(1).substr(1), "64 hexadecimal digits"},
      {"ci predict " + Digest(1) + "0", "64 hexadecimal digits"},
      {"ci predict g" + Digest(1).substr(1), "64 hexadecimal digits"},
      {good + "ci admin " + Digest(2), "F:2: expected a name that stands in no line before, got 'ci'"},
      {good + "ops admin " + Digest(1), "F:2: expected a token of its own for 'ops'"},
  };
  for (const BadFile& file : files) {
    const auto tokens = ParseTokens(file.text, "F");
    EXPECT_EQ(tokens.status().code(), absl::StatusCode::kInvalidArgument) << file.text;
    EXPECT_THAT(std::string(tokens.status().message()), HasSubstr(file.says)) << file.text;
  }
}

TEST(TokenFileTest, ATokenThatWasPutThereInsteadOfItsDigestIsNotRepeated) {
  const auto tokens = ParseTokens("ci predict tx3I8ElyNGiQ4_o0nnE2xMOFK5oTqJa36S3JDpSsNq8", "F");
  EXPECT_THAT(std::string(tokens.status().message()), AllOf(HasSubstr("F:1"), Not(HasSubstr("tx3I8"))));
}

TEST(TokenFileTest, ThereAreSoManyTokensAndNoMore) {
  std::string text;
  for (size_t i = 0; i < kMaxTokens; ++i) {
    absl::StrAppend(&text, "n", i, " predict ", Digest(static_cast<int>(i)), "\n");
  }
  EXPECT_OK(ParseTokens(text, "F"));
  const auto more = ParseTokens(text + "more predict " + Digest(5000), "F");
  EXPECT_THAT(std::string(more.status().message()), HasSubstr("F:1001: expected at most 1000 tokens"));
}

TEST(TokenFileTest, LongWordsAreCutInMessages) {
  const auto tokens = ParseTokens(std::string(100'000, 'x') + " predict " + Digest(1), "F");
  EXPECT_LT(tokens.status().message().size(), 300u);
}

}  // namespace
}  // namespace beak
