#include "client/cli/model_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

using ::testing::HasSubstr;

TEST(ModelReportTest, ModelsAreATable) {
  EXPECT_EQ(ToText(std::vector<client::ModelIndex>{{"mnist", "12", "READY", ""}, {"b", "1", "UNAVAILABLE", "no file"}}),
            "MODEL  VERSION  STATE        REASON\n"
            "mnist  12       READY\n"
            "b      1        UNAVAILABLE  no file\n");
}

TEST(ModelReportTest, ModelsAreJson) {
  const nlohmann::json json =
      nlohmann::json::parse(ToJson(std::vector<client::ModelIndex>{{"mnist", "1", "READY", "\xff"}}));
  EXPECT_EQ(json[0]["name"], "mnist");
  EXPECT_EQ(json[0]["state"], "READY");
}

TEST(ModelReportTest, StatisticsAreMeans) {
  client::ModelStatistics statistics;
  statistics.name = "mnist";
  statistics.version = "1";
  statistics.inference_count = 4;
  statistics.execution_count = 2;
  statistics.queue = {4, std::chrono::milliseconds(2)};
  const std::string text = ToText(std::vector<client::ModelStatistics>{statistics});
  EXPECT_THAT(text, HasSubstr("mnist  1        4           2           0       -           0.500     -\n"));
  const nlohmann::json json = nlohmann::json::parse(ToJson(std::vector<client::ModelStatistics>{statistics}));
  EXPECT_EQ(json[0]["queue"]["ns"], 2'000'000);
  EXPECT_EQ(json[0]["inference_count"], 4);
}

TEST(ModelReportTest, HealthIsAWord) {
  EXPECT_EQ(ToText(client::HealthStatus::kServing), "SERVING");
  EXPECT_EQ(ToText(client::HealthStatus::kNotServing), "NOT_SERVING");
  EXPECT_EQ(nlohmann::json::parse(HealthJson("m", client::HealthStatus::kUnknown))["status"], "UNKNOWN");
}

}  // namespace
}  // namespace beak::cli
