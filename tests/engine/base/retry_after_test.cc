#include "engine/base/retry_after.h"

#include <gtest/gtest.h>

namespace beak {
namespace {

using std::chrono::milliseconds;

TEST(RetryAfterTest, IsCarriedByTheStatus) {
  const absl::Status status = WithRetryAfter(absl::UnavailableError("full"), milliseconds(70));
  EXPECT_EQ(RetryAfter(status), milliseconds(70));
  EXPECT_EQ(status.message(), "full");
}

TEST(RetryAfterTest, IsAbsentWhereNobodySaidIt) {
  EXPECT_EQ(RetryAfter(absl::UnavailableError("full")), std::nullopt);
  EXPECT_EQ(RetryAfter(absl::OkStatus()), std::nullopt);
}

}  // namespace
}  // namespace beak
