#include "engine/base/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOk;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;

absl::StatusOr<std::unique_ptr<int>> Make(bool ok) {
  if (!ok) return absl::NotFoundError("nothing there");
  return std::make_unique<int>(7);
}

absl::StatusOr<int> Use(bool first, bool second) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> a, Make(first));
  std::unique_ptr<int> b;
  ASSIGN_OR_RETURN(b, Make(second));
  return *a + *b;
}

absl::Status Forward(const absl::Status& status) {
  RETURN_IF_ERROR(status);
  return absl::InternalError("went on");
}

TEST(StatusMacrosTest, AssignOrReturnMovesTheValueOrReturnsTheError) {
  EXPECT_THAT(Use(true, true), IsOkAndHolds(14));
  EXPECT_THAT(Use(false, true), StatusIs(absl::StatusCode::kNotFound, "nothing there"));
  EXPECT_THAT(Use(true, false), StatusIs(absl::StatusCode::kNotFound, "nothing there"));
}

TEST(StatusMacrosTest, ReturnIfErrorGoesOnWhenOk) {
  EXPECT_THAT(Forward(absl::OkStatus()), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(Forward(absl::DataLossError("x")), StatusIs(absl::StatusCode::kDataLoss, "x"));
}

TEST(AnnotateTest, PutsThePlaceInFrontAndKeepsTheCode) {
  EXPECT_THAT(Annotate(absl::NotFoundError("no weights"), "model 'm'"),
              StatusIs(absl::StatusCode::kNotFound, "model 'm': no weights"));
  EXPECT_THAT(Annotate(absl::OkStatus(), "model 'm'"), IsOk());
}

}  // namespace
}  // namespace beak
