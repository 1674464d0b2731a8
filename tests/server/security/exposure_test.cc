#include "server/security/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;

TEST(ExposureTest, LoopbackIsWhatNobodyElseCanReach) {
  for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "127.255.255.255", "::1", "[::1]"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host :
       {"0.0.0.0", "::", "[::]", "", "128.0.0.1", "10.0.0.1", "127.0.0.1.example", "localhost.example", "example",
        "fe80::1", "::ffff:10.0.0.1", "[", "[]", "127.1", "2130706433"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(ExposureTest, WithoutTlsOnlyTheLoopbackIsListenedOnUnlessItIsAskedFor) {
  EXPECT_OK(CheckExposure({.host = "127.0.0.1"}));
  EXPECT_OK(CheckExposure({.host = "127.0.0.1", .tokens = true}));
  EXPECT_OK(CheckExposure({.host = "0.0.0.0", .tls = true}));
  EXPECT_OK(CheckExposure({.host = "0.0.0.0", .insecure = true}));
  const absl::Status open = CheckExposure({.host = "0.0.0.0"});
  EXPECT_EQ(open.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(open.message()), HasSubstr("--allow-insecure"));
  const absl::Status clear = CheckExposure({.host = "0.0.0.0", .tokens = true});
  EXPECT_EQ(clear.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(clear.message()), HasSubstr("in the clear"));
}

}  // namespace
}  // namespace beak
