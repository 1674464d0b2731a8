#include "engine/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "nlohmann/json.hpp"
#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { ConfigureLog(LogLevel::kInfo, LogFormat::kText); }

  static std::string Line(LogFormat format, const std::string& event, std::initializer_list<LogField> fields) {
    ::testing::internal::CaptureStderr();
    ConfigureLog(LogLevel::kInfo, format);
    LogInfo(event, fields);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, TextHasTimeLevelEventAndFields) {
  const std::string line = Line(LogFormat::kText, "model ready", {{"name", "mnist"}, {"version", 1}, {"load", 0.5}});
  EXPECT_THAT(line, ContainsRegex("^[0-9]+-[0-9]+-[0-9]+T[0-9:.]+Z info +model ready"));
  EXPECT_THAT(line, EndsWith("model ready name=mnist version=1 load=0.5\n"));
}

TEST_F(LogTest, TextQuotesWhatHasSpaces) {
  EXPECT_THAT(Line(LogFormat::kText, "event", {{"reason", "no such file"}, {"empty", ""}}),
              HasSubstr("reason=\"no such file\" empty=\"\""));
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  const std::string line = Line(LogFormat::kJson, "model ready", {{"name", "a\"b\\c\n"}, {"version", int64_t{7}}});
  const nlohmann::json json = nlohmann::json::parse(line);
  EXPECT_EQ(json["level"], "info");
  EXPECT_EQ(json["event"], "model ready");
  EXPECT_EQ(json["name"], "a\"b\\c\n");
  EXPECT_EQ(json["version"], 7);
}

TEST_F(LogTest, ANameCannotForgeALine) {
  const std::string line = Line(LogFormat::kText, "event", {{"name", "x\n2026 error forged"}});
  EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
}

TEST_F(LogTest, WhatIsBelowTheLevelIsLeftOut) {
  ::testing::internal::CaptureStderr();
  ConfigureLog(LogLevel::kWarning, LogFormat::kText);
  LogInfo("quiet");
  LogError("loud");
  EXPECT_FALSE(IsLogged(LogLevel::kInfo));
  EXPECT_TRUE(IsLogged(LogLevel::kWarning));
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, Not(HasSubstr("quiet")));
  EXPECT_THAT(text, HasSubstr("loud"));
}

TEST_F(LogTest, WhatComesTooFastIsCountedButErrorsAndAuditLinesPass) {
  testing::FakeClock clock;
  ::testing::internal::CaptureStderr();
  ConfigureLog(LogLevel::kInfo, LogFormat::kText, {1, &clock});
  for (int i = 0; i < 15; ++i) LogInfo("line", {{"number", i}});
  LogError("loud");
  LogAlways(LogLevel::kInfo, "audit");
  clock.Advance(std::chrono::seconds(1));
  LogInfo("later");
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("number=9\n"));
  EXPECT_THAT(text, Not(HasSubstr("number=10\n")));
  EXPECT_THAT(
      text, AllOf(HasSubstr("loud"), HasSubstr("audit"), HasSubstr("log lines left out count=5"), HasSubstr("later")));
}

}  // namespace
}  // namespace beak
