#include "server/models/row_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/support/networks.h"
#include "tests/server/support/programs.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

constexpr int kFloat = 1, kUint8 = 2, kInt8 = 3, kInt64 = 7, kFloat16 = 10, kDouble = 11;  // ONNX's numbers

absl::Status Check(const std::string& network, std::vector<Shape> row_shapes) {
  ProgramSet programs(testing::LoadNetwork(network), std::move(row_shapes), true, 1);
  EXPECT_OK(programs.Prepare(1, 1));
  EXPECT_OK(programs.Prepare(2, 1));
  return CheckRowsIndependent(programs);
}

TEST(RowCheckTest, RowsOfOrdinaryNetworksAreIndependent) {
  EXPECT_OK(Check(testing::ScaleNetwork(2), {{2}}));
  EXPECT_OK(Check(testing::SimpleNetwork(), {{16}, {16}}));
  EXPECT_OK(Check(testing::SlowNetwork(32, 3), {{32}}));
  EXPECT_OK(Check(testing::ConvNetwork(), {{3, 16, 16}}));
  for (const int type : {kFloat, kUint8, kInt8, kInt64, kFloat16, kDouble}) {
    EXPECT_OK(Check(testing::IdentityNetwork(type, {-1, 3}), {{3}})) << type;
  }
}

TEST(RowCheckTest, NetworksThatMixRowsAreFound) {
  const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("max_batch_size: 0"));
  EXPECT_THAT(Check(testing::GatherNetwork(), {{4}, {}}), refused) << "both rows are looked up in the first";
  for (const int type : {kFloat, kFloat16, kDouble, kUint8, kInt8}) {
    EXPECT_THAT(Check(testing::CentredNetwork(type), {{2}}), refused) << type;
  }
}

TEST(RowCheckTest, NeedsBothPrograms) {
  ProgramSet programs(testing::LoadNetwork(testing::ScaleNetwork(2)), {{2}}, true, 1);
  EXPECT_THAT(CheckRowsIndependent(programs), StatusIs(absl::StatusCode::kInternal));
  ASSERT_OK(programs.Prepare(1, 1));
  EXPECT_THAT(CheckRowsIndependent(programs), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace beak
