#include "engine/job/memory_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using testing::IsOkAndHolds;
using testing::StatusIs;

TEST(MemoryPlanTest, AddsUpWhatIsThereAtTheSameTime) {
  const int64_t other = PlannedPeakBytes(MemoryNeeds());
  EXPECT_GT(other, 0);
  EXPECT_LT(other, int64_t{64} << 20);
  MemoryNeeds needs;
  needs.resident = 1'000'000;
  needs.training = 50'000;
  needs.batches = 7'000;
  EXPECT_EQ(PlannedPeakBytes(needs) - other, 1'057'000);
  needs.parameters = 100;
  needs.state = 300;
  EXPECT_EQ(PlannedPeakBytes(needs) - other, 1'057'600) << "a checkpoint takes more than a network that is measured";
  needs.evaluation = 20'000;
  EXPECT_EQ(PlannedPeakBytes(needs) - other, 1'077'300);
  needs.short_batches = true;
  EXPECT_EQ(PlannedPeakBytes(needs) - other, 1'077'400);
  needs.accumulates = needs.keeps_best = true;
  EXPECT_EQ(PlannedPeakBytes(needs) - other, 1'077'600);
  needs.parameters = 100'000;
  EXPECT_EQ(PlannedPeakBytes(needs) - other, 1'000'000 + 100'000 + 300'000 + 20'000 + 400'000) << "the export";
}

TEST(MemoryPlanTest, CountsWhatALoaderAllocates) {
  data::Schema schema;
  schema.fields = {{"image", DType::kFloat32, {1, 4, 4}}, {"label", DType::kInt64, {}}};
  data::LoaderOptions options;
  options.batch_size = 10;
  options.prefetch = 2;
  EXPECT_THAT(LoaderBytes(schema, 100, options), IsOkAndHolds((64 + 8) * 10 * 3));
  EXPECT_THAT(LoaderBytes(schema, 104, options), IsOkAndHolds((64 + 8) * 14 * 3));
  schema.fields[0].shape[1] = Dim::Symbol("height");
  EXPECT_THAT(LoaderBytes(schema, 100, options), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MemoryPlanTest, SaysWhatIsTooMuch) {
  EXPECT_OK(CheckPlannedPeak(100, 100));
  EXPECT_THAT(CheckPlannedPeak(101, 100),
              StatusIs(absl::StatusCode::kResourceExhausted, "planned peak: expected at most 100 bytes, got 101"));
}

}  // namespace
}  // namespace beak
