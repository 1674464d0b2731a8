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
  statistics.cache_hit = {3, std::chrono::nanoseconds(300)};
  statistics.cache_miss = {5, std::chrono::nanoseconds(900)};
  const std::string text = ToText(std::vector<client::ModelStatistics>{statistics});
  EXPECT_THAT(
      text,
      HasSubstr("mnist  1        4           2           0       3           5             -           0.500     -\n"));
  EXPECT_EQ(text.find("\n\n"), std::string::npos) << "no executions, no table of them";
  const nlohmann::json json = nlohmann::json::parse(ToJson(std::vector<client::ModelStatistics>{statistics}));
  EXPECT_EQ(json[0]["queue"]["ns"], 2'000'000);
  EXPECT_EQ(json[0]["inference_count"], 4);
  EXPECT_EQ(json[0]["cache_hit"]["count"], 3);
  EXPECT_EQ(json[0]["cache_miss"]["ns"], 900);
}

TEST(ModelReportTest, ExecutionsAreShownByTheirRows) {
  client::ModelStatistics statistics;
  statistics.name = "mnist";
  statistics.version = "1";
  const auto count = [](uint64_t n, int ms) { return client::DurationCount{n, std::chrono::milliseconds(ms)}; };
  statistics.batches = {{1, count(10, 1), count(10, 20), count(10, 2)}, {16, count(2, 1), count(2, 9), count(2, 1)}};
  EXPECT_THAT(ToText(std::vector<client::ModelStatistics>{statistics}),
              ::testing::EndsWith("\n\n"
                                  "MODEL  VERSION  ROWS  EXECUTIONS  INPUT_MS  COMPUTE_MS  OUTPUT_MS\n"
                                  "mnist  1        1     10          0.100     2.000       0.200\n"
                                  "mnist  1        16    2           0.500     4.500       0.500\n"));
}

TEST(ModelReportTest, HealthIsAWord) {
  EXPECT_EQ(ToText(client::HealthStatus::kServing), "SERVING");
  EXPECT_EQ(ToText(client::HealthStatus::kNotServing), "NOT_SERVING");
  EXPECT_EQ(nlohmann::json::parse(HealthJson("m", client::HealthStatus::kUnknown))["status"], "UNKNOWN");
}

}  // namespace
}  // namespace beak::cli
