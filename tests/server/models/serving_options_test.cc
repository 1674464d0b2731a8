#include "server/models/serving_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/config.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using testing::StatusIs;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::chrono::hours kYear(365 * 24);

const std::vector<TensorSpec> kInputs = {{"x", DType::kFloat32, {Dim::Symbol("n"), 4}}};
const std::vector<TensorSpec> kOutputs = {{"y", DType::kFloat32, {Dim::Symbol("n"), 4}}};

// Of a config.pbtxt, as a model is loaded with it.
absl::StatusOr<ServingOptions> Parse(const std::string& text) {
  const absl::StatusOr<ConfigFile> file = ParseConfig(text, "config.pbtxt");
  if (!file.ok()) return file.status();
  const auto config = CompleteConfig(*file, "m", kInputs, kOutputs);
  if (!config.ok()) return config.status();
  return MakeServingOptions(**config);
}

TEST(ServingOptionsTest, WithoutAFileNothingIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const ServingOptions options, Parse(""));
  EXPECT_THAT(options.preferred_rows, IsEmpty());
  EXPECT_EQ(options.max_queue_delay, nanoseconds(0));
  EXPECT_FALSE(options.preserve_ordering);
  EXPECT_EQ(options.priority_levels, 0u);
  EXPECT_EQ(options.default_priority, 0u);
  EXPECT_FALSE(options.default_queue.delay_on_timeout);
  EXPECT_EQ(options.default_queue.timeout, nanoseconds(0));
  EXPECT_EQ(options.default_queue.max_requests, 0);
  EXPECT_THAT(options.queues, IsEmpty());
  EXPECT_EQ(options.default_deadline, nanoseconds(0));
  EXPECT_EQ(options.objective, nanoseconds(0));
  EXPECT_EQ(options.max_queue_rows, 0);
  EXPECT_EQ(options.max_cores, 0);
  EXPECT_EQ(options.weight, 1);
  EXPECT_TRUE(options.split_oversized);
  EXPECT_FALSE(options.cached);
}

TEST(ServingOptionsTest, TakesWhatTritonsConfigurationSays) {
  ASSERT_OK_AND_ASSIGN(const ServingOptions options, Parse(R"(
      max_batch_size: 16
      dynamic_batching {
        preferred_batch_size: [8, 4, 16] max_queue_delay_microseconds: 1500 preserve_ordering: true
        priority_levels: 3 default_priority_level: 2
        default_queue_policy {
          timeout_action: DELAY default_timeout_microseconds: 20000 max_queue_size: 7
        }
        priority_queue_policy { key: 1 value { max_queue_size: 9 } }
        priority_queue_policy { key: 3 value { timeout_action: REJECT default_timeout_microseconds: 5 } }
      }
      response_cache { enable: true })"));
  EXPECT_THAT(options.preferred_rows, ElementsAre(4, 8, 16));
  EXPECT_EQ(options.max_queue_delay, microseconds(1500));
  EXPECT_TRUE(options.preserve_ordering);
  EXPECT_EQ(options.priority_levels, 3u);
  EXPECT_EQ(options.default_priority, 2u);
  EXPECT_TRUE(options.default_queue.delay_on_timeout);
  EXPECT_EQ(options.default_queue.timeout, milliseconds(20));
  EXPECT_EQ(options.default_queue.max_requests, 7);
  ASSERT_EQ(options.queues.size(), 2u);
  EXPECT_EQ(options.queues.at(1).max_requests, 9);
  EXPECT_EQ(options.queues.at(1).timeout, nanoseconds(0)) << "a level's policy replaces the default one wholly";
  EXPECT_FALSE(options.queues.at(1).delay_on_timeout);
  EXPECT_FALSE(options.queues.at(3).delay_on_timeout);
  EXPECT_EQ(options.queues.at(3).timeout, microseconds(5));
  EXPECT_EQ(options.queues.at(3).max_requests, 0);
  EXPECT_TRUE(options.cached);
}

TEST(ServingOptionsTest, TakesOurOwnSettings) {
  ASSERT_OK_AND_ASSIGN(const ServingOptions options, Parse(R"(
      beak {
        default_deadline_microseconds: 250000 objective_p99_microseconds: 40000 max_queue_rows: 512 max_cores: 2
        weight: 2.5 refuse_oversized_requests: true
      })"));
  EXPECT_EQ(options.default_deadline, milliseconds(250));
  EXPECT_EQ(options.objective, milliseconds(40));
  EXPECT_EQ(options.max_queue_rows, 512);
  EXPECT_EQ(options.max_cores, 2);
  EXPECT_EQ(options.weight, 2.5);
  EXPECT_FALSE(options.split_oversized);
}

TEST(ServingOptionsTest, PreferredSizesRiseAndNoTwoAreAlike) {
  ASSERT_OK_AND_ASSIGN(const ServingOptions options,
                       Parse("dynamic_batching { preferred_batch_size: [64, 2, 2, 1, 64] }"));
  EXPECT_THAT(options.preferred_rows, ElementsAre(1, 2, 64));
}

TEST(ServingOptionsTest, AnUnbatchedModelMayPreferOneRow) {
  ASSERT_OK_AND_ASSIGN(const ServingOptions options,
                       Parse("max_batch_size: 0 dynamic_batching { preferred_batch_size: [1] }"));
  EXPECT_THAT(options.preferred_rows, ElementsAre(1));
}

TEST(ServingOptionsTest, WhatMakesNoSenseIsNamed) {
  const struct {
    const char* text;
    const char* field;
    const char* got;
  } cases[] = {
      {"max_batch_size: 4 dynamic_batching { preferred_batch_size: [2, 5] }", "preferred_batch_size: expected 1 to 4",
       "got 5"},
      {"dynamic_batching { preferred_batch_size: [0] }", "preferred_batch_size", "got 0"},
      {"dynamic_batching { preferred_batch_size: [-3] }", "preferred_batch_size", "got -3"},
      {"dynamic_batching { preferred_batch_size: [2147483647] }", "preferred_batch_size: expected 1 to 64",
       "got 2147483647"},
      {"max_batch_size: 0 dynamic_batching { preferred_batch_size: [2] }", "preferred_batch_size: expected 1 to 1",
       "got 2"},
      {"dynamic_batching { priority_levels: 2 }", "default_priority_level: expected 1 to 2", "got 0"},
      {"dynamic_batching { priority_levels: 2 default_priority_level: 3 }", "default_priority_level", "got 3"},
      {"dynamic_batching { priority_levels: 2 default_priority_level: 18446744073709551615 }", "default_priority_level",
       "got 18446744073709551615"},
      {"dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 3 } }",
       "priority_queue_policy: expected levels 1 to 2", "got 3"},
      {"dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 0 } }",
       "priority_queue_policy", "got 0"},
      {"dynamic_batching { priority_queue_policy { key: 1 } }", "priority_queue_policy", "got 1"},
      {"beak { weight: -1 }", "beak.weight", "got -1"},
      {"beak { weight: nan }", "beak.weight", "got nan"},
      {"beak { weight: inf }", "beak.weight", "got inf"},
      {"beak { weight: -inf }", "beak.weight", "got -inf"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Parse(c.text),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(c.field), HasSubstr(c.got))))
        << c.text;
  }
}

TEST(ServingOptionsTest, NumbersThatDoNotFitTheirFieldAreNotRead) {
  for (const char* text : {
           "dynamic_batching { preferred_batch_size: [4294967297] }",
           "dynamic_batching { max_queue_delay_microseconds: 18446744073709551616 }",
           "dynamic_batching { max_queue_delay_microseconds: -1 }",
           "dynamic_batching { default_queue_policy { max_queue_size: 4294967296 } }",
           "beak { default_deadline_microseconds: -1 }",
           "beak { max_queue_rows: 4294967296 }",
           "beak { max_cores: -1 }",
       }) {
    EXPECT_THAT(Parse(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.pbtxt:1:"))) << text;
  }
}

// A time must be one that can be added to the present, and still be as good as for ever.
TEST(ServingOptionsTest, HugeNumbersBecomeLargeOnes) {
  constexpr uint64_t kMost64 = std::numeric_limits<uint64_t>::max();
  constexpr uint32_t kMost32 = std::numeric_limits<uint32_t>::max();
  const std::string text = absl::StrCat(
      "dynamic_batching { max_queue_delay_microseconds: ", kMost64, " priority_levels: ", kMost64,
      " default_priority_level: ", kMost64, " default_queue_policy { default_timeout_microseconds: ", kMost64,
      " max_queue_size: ", kMost32, " } priority_queue_policy { key: ", kMost64,
      " value { default_timeout_microseconds: ", kMost64, " } } } beak { default_deadline_microseconds: ", kMost64,
      " objective_p99_microseconds: ", kMost64, " max_queue_rows: ", kMost32, " max_cores: ", kMost32, " }");
  ASSERT_OK_AND_ASSIGN(const ServingOptions options, Parse(text));
  for (const nanoseconds time : {options.max_queue_delay, options.default_queue.timeout,
                                 options.queues.at(kMost64).timeout, options.default_deadline, options.objective}) {
    EXPECT_THAT(time, AllOf(Ge(kYear), Le(100 * kYear)));
  }
  EXPECT_EQ(options.priority_levels, kMost64);
  EXPECT_EQ(options.default_priority, kMost64);
  EXPECT_EQ(options.default_queue.max_requests, int64_t{kMost32});
  EXPECT_EQ(options.max_queue_rows, int64_t{kMost32});
  EXPECT_EQ(options.max_cores, std::numeric_limits<int>::max());
}

TEST(ServingOptionsTest, WeightsStayWithinWhatCanBeShared) {
  const struct {
    const char* weight;
    double expected;
  } cases[] = {{"0", 1}, {"0.5", 0.5}, {"1000", 1000}, {"1e300", 1000}, {"1e-300", 0.001}, {"0.001", 0.001}};
  for (const auto& c : cases) {
    ASSERT_OK_AND_ASSIGN(const ServingOptions options, Parse(absl::StrCat("beak { weight: ", c.weight, " }")));
    EXPECT_EQ(options.weight, c.expected) << c.weight;
  }
}

}  // namespace
}  // namespace beak
