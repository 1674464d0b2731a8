#include "server/http/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "engine/base/retry_after.h"

namespace beak {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(HttpStatusTest, CodesAreThoseOfTheTable) {
  const std::pair<absl::StatusCode, int> kTable[] = {
      {absl::StatusCode::kInvalidArgument, 400},  {absl::StatusCode::kNotFound, 404},
      {absl::StatusCode::kAlreadyExists, 409},    {absl::StatusCode::kFailedPrecondition, 409},
      {absl::StatusCode::kUnavailable, 503},      {absl::StatusCode::kResourceExhausted, 429},
      {absl::StatusCode::kDeadlineExceeded, 504}, {absl::StatusCode::kCancelled, 499},
      {absl::StatusCode::kUnauthenticated, 401},  {absl::StatusCode::kPermissionDenied, 403},
      {absl::StatusCode::kUnimplemented, 501},    {absl::StatusCode::kDataLoss, 500},
      {absl::StatusCode::kInternal, 500},         {absl::StatusCode::kUnknown, 500}};
  for (const auto& [code, status] : kTable) EXPECT_EQ(HttpStatusOf(code), status) << absl::StatusCodeToString(code);
}

TEST(HttpStatusTest, TextsAreJsonWhateverTheyHold) {
  const HttpResponse response = ToHttp(absl::InvalidArgumentError("a \"quote\" and \xff"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "{\"error\":\"a \\\"quote\\\" and \xef\xbf\xbd\"}");
  EXPECT_THAT(response.headers, IsEmpty());
}

TEST(HttpStatusTest, HintsAreHeaders) {
  const auto later = WithRetryAfter(absl::UnavailableError("full"), std::chrono::milliseconds(1200));
  EXPECT_THAT(ToHttp(later).headers, Contains(Pair("Retry-After", "2")));
  const auto soon = WithRetryAfter(absl::UnavailableError("full"), std::chrono::milliseconds(0));
  EXPECT_THAT(ToHttp(soon).headers, Contains(Pair("Retry-After", "1")));
  EXPECT_THAT(ToHttp(absl::UnauthenticatedError("who?")).headers, Contains(Pair("WWW-Authenticate", "Bearer")));
}

}  // namespace
}  // namespace beak
