#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/status.h"

// Matchers over absl::Status and absl::StatusOr, which Debian's Abseil does not have yet:
//   EXPECT_THAT(Load(path), IsOk());
//   EXPECT_THAT(Load(path), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such")));
//   EXPECT_THAT(Parse("7"), IsOkAndHolds(7));
//   ASSERT_OK_AND_ASSIGN(const Tensor tensor, Load(path));
namespace beak::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P2(StatusIs, code, message,
           "has code " + absl::StatusCodeToString(code) + " and a message that " +
               ::testing::DescribeMatcher<std::string>(message, negation)) {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::Matches(::testing::SafeMatcherCast<std::string>(message))(std::string(StatusOf(arg).message()));
}

inline auto StatusIs(absl::StatusCode code) { return StatusIs(code, ::testing::_); }

MATCHER_P(IsOkAndHolds, value, "is OK and holds a value that " + ::testing::PrintToString(value)) {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status().ToString();
    return false;
  }
  using Value = typename std::decay_t<decltype(arg)>::value_type;
  return ::testing::ExplainMatchResult(::testing::SafeMatcherCast<const Value&>(value), *arg, result_listener);
}

}  // namespace beak::testing

namespace absl {

// How GoogleTest prints a StatusOr.
template <typename T>
void PrintTo(const StatusOr<T>& value, std::ostream* os) {
  *os << (value.ok() ? "OK with a value" : value.status().ToString());
}

}  // namespace absl

#define ASSERT_OK(expr) ASSERT_THAT(expr, ::beak::testing::IsOk())
#define EXPECT_OK(expr) EXPECT_THAT(expr, ::beak::testing::IsOk())

#define ASSERT_OK_AND_ASSIGN(lhs, expr) BEAK_ASSERT_OK_AND_ASSIGN(BEAK_CONCAT(beak_test_statusor_, __LINE__), lhs, expr)
#define BEAK_ASSERT_OK_AND_ASSIGN(statusor, lhs, expr)        \
  auto statusor = (expr);                                     \
  ASSERT_TRUE(statusor.ok()) << statusor.status().ToString(); \
  lhs = std::move(statusor).value()
