#include "server/observe/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "engine/base/log.h"
#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class AuditTest : public ::testing::Test {
 protected:
  ~AuditTest() override { ConfigureLog(LogLevel::kInfo, LogFormat::kText); }

  static std::string Lines(const std::string& name, const absl::Status& outcome) {
    ::testing::internal::CaptureStderr();
    Audit("load", "model", name, {"ada", "ipv4:10.0.0.1:5"}, outcome);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(AuditTest, ALineSaysWhoDidWhatToWhatAndWhatCameOfIt) {
  EXPECT_THAT(Lines("m", absl::OkStatus()),
              EndsWith("audit action=load model=m caller=ada peer=ipv4:10.0.0.1:5 outcome=OK reason=\"\"\n"));
  EXPECT_THAT(Lines("m", absl::NotFoundError("no such model")),
              EndsWith("outcome=NOT_FOUND reason=\"no such model\"\n"));
}

TEST_F(AuditTest, WhatACallerWroteIsCutAndCannotForgeALine) {
  const std::string lines = Lines("x\n2026 info audit" + std::string(1 << 20, 'x'), absl::OkStatus());
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
  EXPECT_LT(lines.size(), 1000u);
}

TEST_F(AuditTest, ItIsWrittenHoweverMuchElseIsLogged) {
  testing::FakeClock clock;
  ConfigureLog(LogLevel::kInfo, LogFormat::kText, {1, &clock});
  for (int i = 0; i < 100; ++i) LogInfo("noise");
  EXPECT_THAT(Lines("m", absl::OkStatus()), HasSubstr("audit action=load"));
}

TEST_F(AuditTest, ItIsWrittenWhateverTheLevelOfTheLog) {
  ConfigureLog(LogLevel::kError, LogFormat::kText);
  const std::string lines = Lines("m", absl::OkStatus());
  EXPECT_THAT(lines, HasSubstr("info    audit action=load"));
  ::testing::internal::CaptureStderr();
  LogWarning("noise");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace beak
