#include "server/models/model_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "tests/server/support/networks.h"
#include "tests/server/support/programs.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kFloat = 1;  // ONNX's number

std::shared_ptr<const ModelVersion> MakeVersion(int max_batch_size) {
  ModelVersion::Parts parts;
  parts.network = testing::LoadNetwork(testing::IdentityNetwork(kFloat, {-1, -1}));
  parts.signature.max_batch_size = max_batch_size;
  return std::make_shared<const ModelVersion>(std::move(parts));
}

TEST(ModelVersionTest, EveryShapeHasItsPrograms) {
  const auto version = MakeVersion(8);
  EXPECT_THAT(version->AllPrograms(), IsEmpty());
  const auto two = version->Programs({{2}});
  const auto three = version->Programs({{3}});
  EXPECT_NE(two, three);
  EXPECT_EQ(version->Programs({{2}}), two);
  EXPECT_THAT(two->row_shapes(), ElementsAre(Shape{2}));
  EXPECT_TRUE(two->batched());
  EXPECT_FALSE(two->Has(1, 1)) << "none is prepared";
  EXPECT_THAT(version->AllPrograms(), ElementsAre(two, three)) << "those used last first";
}

TEST(ModelVersionTest, WithoutABatchThereIsOneRow) {
  EXPECT_EQ(MakeVersion(8)->max_batch_rows(), 8);
  const auto version = MakeVersion(0);
  EXPECT_EQ(version->max_batch_rows(), 1);
  EXPECT_FALSE(version->Programs({{4, 2}})->batched());
}

TEST(ModelVersionTest, KeepsTheShapesUsedLast) {
  const auto version = MakeVersion(8);
  const auto first = version->Programs({{1}});
  std::weak_ptr<ProgramSet> second = version->Programs({{2}});
  int64_t columns = 3;
  for (; columns <= 1000 && !second.expired(); ++columns) {
    version->Programs({{columns}});
    ASSERT_EQ(version->Programs({{1}}), first) << "it is used all the time";
  }
  EXPECT_TRUE(second.expired()) << "there is no bound";
  EXPECT_GT(columns, 8);
}

TEST(ModelVersionTest, ASetThatIsHeldOutlivesItsPlace) {
  const auto version = MakeVersion(8);
  const auto held = version->Programs({{1}});
  ASSERT_OK(held->Prepare(1, 1));
  for (int64_t columns = 2; columns <= 100; ++columns) version->Programs({{columns}});
  EXPECT_NE(version->Programs({{1}}), held);
  EXPECT_OK(held->Acquire(1, 1));
}

TEST(ModelVersionTest, ThreadsFindTheSameSet) {
  const auto version = MakeVersion(8);
  std::vector<std::shared_ptr<ProgramSet>> found(4);
  std::vector<std::thread> threads;
  for (auto& programs : found) threads.emplace_back([&] { programs = version->Programs({{5}}); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(found, ::testing::Each(found[0]));
}

}  // namespace
}  // namespace beak
