#include "server/models/program_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/support/networks.h"
#include "tests/server/support/programs.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::LoadNetwork;
using testing::ReadOutput;
using testing::ScaleNetwork;
using testing::StatusIs;
using testing::WriteInput;

class ProgramSetTest : public ::testing::Test {
 protected:
  ProgramSet programs_{LoadNetwork(ScaleNetwork(3)), {{2}}, /*batched=*/true, /*lanes=*/2};
};

TEST_F(ProgramSetTest, BeginsWithNothingPrepared) {
  EXPECT_FALSE(programs_.Has(1, 1));
  EXPECT_TRUE(programs_.costs().curve()->empty());
  EXPECT_THAT(programs_.Acquire(1, 1),
              StatusIs(absl::StatusCode::kInternal, AllOf(HasSubstr("1 rows"), HasSubstr("1 threads"))));
  EXPECT_EQ(programs_.WorkspaceBytes(1, 1), 0u);
  EXPECT_OK(programs_.status());
  EXPECT_TRUE(programs_.batched());
  EXPECT_THAT(programs_.row_shapes(), ElementsAre(Shape{2}));
}

TEST_F(ProgramSetTest, WhatIsPreparedRunsAndHasACost) {
  ASSERT_OK(programs_.Prepare(2, 1));
  EXPECT_TRUE(programs_.Has(2, 1));
  EXPECT_FALSE(programs_.Has(1, 1));
  EXPECT_FALSE(programs_.Has(2, 2));
  EXPECT_GE(programs_.WorkspaceBytes(2, 1), 2 * 2 * sizeof(float));
  const auto curve = programs_.costs().curve();
  ASSERT_EQ(curve->costs().size(), 1u);
  EXPECT_EQ(curve->costs()[0].rows, 2);
  EXPECT_EQ(curve->costs()[0].threads, 1);
  EXPECT_GT(curve->costs()[0].mean.count(), 0);

  ASSERT_OK_AND_ASSIGN(WorkspaceLease lease, programs_.Acquire(2, 1));
  EXPECT_EQ(lease.num_inputs(), 1);
  EXPECT_EQ(lease.num_outputs(), 1);
  EXPECT_EQ(lease.input_dtype(0), DType::kFloat32);
  EXPECT_EQ(lease.output_shape(0), (Shape{2, 2}));
  WriteInput<float>(lease, 0, {1, 2, 3, 4});
  ASSERT_OK(lease.Run(nullptr));
  EXPECT_THAT(ReadOutput<float>(lease, 0), ElementsAre(3, 6, 9, 12));
  EXPECT_THAT(programs_.Acquire(1, 1), StatusIs(absl::StatusCode::kInternal)) << "a smaller one is another one";
}

TEST_F(ProgramSetTest, ARunStopsWhenAsked) {
  ASSERT_OK(programs_.Prepare(1, 1));
  ASSERT_OK_AND_ASSIGN(WorkspaceLease lease, programs_.Acquire(1, 1));
  CancelToken stop;
  stop.Cancel();
  EXPECT_THAT(lease.Run(&stop), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ProgramSetTest, PreparingTwiceMeasuresOnce) {
  ASSERT_OK(programs_.Prepare(1, 1));
  const auto curve = programs_.costs().curve();
  ASSERT_OK(programs_.Prepare(1, 1));
  EXPECT_EQ(programs_.costs().curve(), curve);
}

TEST_F(ProgramSetTest, LargerNetworksCostMore) {
  ProgramSet slow(LoadNetwork(testing::SlowNetwork(128, 20)), {{128}}, true, 1);
  ASSERT_OK(slow.Prepare(1, 1));
  ASSERT_OK(slow.Prepare(64, 1));
  ASSERT_OK(programs_.Prepare(1, 1));
  const auto curve = slow.costs().curve();
  EXPECT_GT(curve->Smallest(64, 1)->mean, 2 * curve->Smallest(1, 1)->mean);
  EXPECT_GT(curve->Smallest(1, 1)->mean, 2 * programs_.costs().curve()->Smallest(1, 1)->mean);
}

TEST_F(ProgramSetTest, WithoutABatchDimensionShapesAreTheNetworks) {
  ProgramSet unbatched(LoadNetwork(ScaleNetwork(3)), {{5, 2}}, /*batched=*/false, 1);
  ASSERT_OK(unbatched.Prepare(1, 1));
  ASSERT_OK_AND_ASSIGN(const WorkspaceLease lease, unbatched.Acquire(1, 1));
  EXPECT_EQ(lease.output_shape(0), (Shape{5, 2}));
}

TEST_F(ProgramSetTest, ShapesThatTheNetworkCannotTakeAreErrors) {
  ProgramSet other(LoadNetwork(ScaleNetwork(3)), {{3}}, true, 1);
  EXPECT_THAT(other.Prepare(1, 1), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("x")));
  EXPECT_FALSE(programs_.Prepare(int64_t{1} << 60, 1).ok());
  EXPECT_TRUE(programs_.costs().curve()->empty());
  EXPECT_TRUE(other.costs().curve()->empty());
}

TEST_F(ProgramSetTest, OutputsHaveAsManyRowsAsInputs) {
  ProgramSet pairs(LoadNetwork(testing::PairsNetwork()), {{1}}, true, 1);
  ASSERT_OK(pairs.Prepare(1, 1));
  EXPECT_THAT(pairs.Prepare(2, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition, AllOf(HasSubstr("output 'y': expected 2 rows"),
                                                                    HasSubstr("[4, 1]"), HasSubstr("max_batch_size"))));
  EXPECT_FALSE(pairs.Has(2, 1));
  EXPECT_EQ(pairs.costs().curve()->max_rows(), 1);

  ProgramSet unbatched(LoadNetwork(testing::PairsNetwork()), {{3, 1}}, false, 1);
  EXPECT_OK(unbatched.Prepare(1, 1)) << "where there are no rows, none are counted";
}

TEST_F(ProgramSetTest, ACheckSeesTheProgramBeforeAnybodyCanChooseIt) {
  int checked = 0;
  ASSERT_OK(programs_.Prepare(2, 1, [&]() -> absl::Status {
    ++checked;
    EXPECT_OK(programs_.Acquire(2, 1));
    EXPECT_TRUE(programs_.costs().curve()->empty());
    return absl::OkStatus();
  }));
  EXPECT_EQ(checked, 1);
  EXPECT_EQ(programs_.costs().curve()->max_rows(), 2);
}

TEST_F(ProgramSetTest, WhatFailsItsCheckIsNotPrepared) {
  EXPECT_THAT(programs_.Prepare(2, 1, [] { return absl::FailedPreconditionError("no"); }),
              StatusIs(absl::StatusCode::kFailedPrecondition, "no"));
  EXPECT_FALSE(programs_.Has(2, 1));
  EXPECT_TRUE(programs_.costs().curve()->empty());
}

TEST_F(ProgramSetTest, OneOfManyClaimsThePreparation) {
  std::atomic<int> claims{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { claims += programs_.ClaimPreparation() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(claims, 1);
  EXPECT_FALSE(programs_.ClaimPreparation());
  programs_.GiveUpPreparation();
  EXPECT_TRUE(programs_.ClaimPreparation());
  EXPECT_FALSE(programs_.ClaimPreparation());
}

TEST_F(ProgramSetTest, AFailureIsRemembered) {
  programs_.SetFailed(absl::FailedPreconditionError("rows are mixed"));
  EXPECT_THAT(programs_.status(), StatusIs(absl::StatusCode::kFailedPrecondition, "rows are mixed"));
}

TEST_F(ProgramSetTest, PaddingThatHasBecomeUsualIsToldOnce) {
  int told = 0;
  int first = 0;
  for (int i = 1; i <= 1000; ++i) {
    if (!programs_.NotePadding(3)) continue;
    if (++told == 1) first = i;
  }
  EXPECT_EQ(told, 1);
  EXPECT_GT(first, 4) << "now and then is not usual";
  EXPECT_LT(first, 200);
  EXPECT_FALSE(programs_.NotePadding(5)) << "sizes are counted apart";
  int more = 0;
  for (int i = 0; i < 1000; ++i) more += programs_.NotePadding(5) ? 1 : 0;
  EXPECT_EQ(more, 1);
}

TEST_F(ProgramSetTest, ProgramsAreNotAskedForWithoutEnd) {
  int64_t rows = 1;
  for (; rows <= 256; ++rows) {
    bool wanted = false;
    for (int i = 0; i < 200; ++i) wanted |= programs_.NotePadding(rows);
    if (!wanted) break;
    ASSERT_OK(programs_.Prepare(rows, 1));
  }
  EXPECT_GT(rows, 8);
  EXPECT_LE(rows, 256) << "there was no bound";
}

TEST_F(ProgramSetTest, WorkspacesAreUsedAgain) {
  ASSERT_OK(programs_.Prepare(1, 1));
  const std::byte* first = programs_.Acquire(1, 1)->input(0).data();
  EXPECT_EQ(programs_.Acquire(1, 1)->input(0).data(), first);
}

TEST_F(ProgramSetTest, ThreadsPrepareAndRunAtTheSameTime) {
  ASSERT_OK(programs_.Prepare(1, 1));
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int64_t rows = 2; rows <= 4; ++rows) ASSERT_OK(programs_.Prepare(rows, 1));
      for (int i = 0; i < 50; ++i) {
        auto lease = programs_.Acquire(1, 1);
        ASSERT_OK(lease);
        const auto value = static_cast<float>(100 * t + i);
        WriteInput<float>(*lease, 0, {value, -value});
        ASSERT_OK(lease->Run(nullptr));
        ASSERT_THAT(ReadOutput<float>(*lease, 0), ElementsAre(3 * value, -3 * value));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(programs_.costs().curve()->costs().size(), 4u);
}

}  // namespace
}  // namespace beak
