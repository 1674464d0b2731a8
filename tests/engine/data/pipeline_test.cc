#include "engine/data/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes a random number into x[place].
Transform Draw(size_t place) {
  return [place](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [place](Sample& sample, Rng& rng) {
                   sample[0].mutable_values<float>()[place] = static_cast<float>(rng.Uniform());
                   return absl::OkStatus();
                 }};
  };
}

// Lets the schema go on with another name for the first field.
Transform Rename(const std::string& name) {
  return [name](const Schema& in) -> absl::StatusOr<Stage> {
    Schema out = in;
    out.fields[0].name = name;
    return Stage{out, [](Sample&, Rng&) { return absl::OkStatus(); }};
  };
}

Transform Expect(const std::string& name) {
  return [name](const Schema& in) -> absl::StatusOr<Stage> {
    const absl::StatusOr<size_t> number = FindField(in, name);
    if (!number.ok()) return number.status();
    return Stage{in, [](Sample&, Rng&) { return absl::OkStatus(); }};
  };
}

TEST(PipelineTest, WithoutTransformsGivesTheSource) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(5));
  EXPECT_EQ(pipeline->size(), 5);
  EXPECT_THAT(testing::FloatsOf(*pipeline, 3), ElementsAre(3, -3));
}

TEST(PipelineTest, EachTransformSeesTheSchemaOfTheOneBefore) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(5), {Rename("y"), Expect("y"), Rename("z")});
  EXPECT_EQ(pipeline->schema().fields[0].name, "z");
  EXPECT_THAT(Pipeline::Create(testing::Numbers(5), {Rename("y"), Expect("x")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a field 'x', got 'y', 'label'")));
}

TEST(PipelineTest, ChanceIsAFunctionOfSeedEpochAndSample) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(5), {Draw(0)}, 7);
  const std::vector<float> first = testing::FloatsOf(*pipeline, 2, 1);
  testing::FloatsOf(*pipeline, 4, 0);
  EXPECT_EQ(testing::FloatsOf(*pipeline, 2, 1), first);
  EXPECT_EQ(testing::FloatsOf(*testing::PipelineOf(testing::Numbers(5), {Draw(0)}, 7), 2, 1), first);
  EXPECT_NE(testing::FloatsOf(*pipeline, 2, 2), first);
  EXPECT_NE(testing::FloatsOf(*pipeline, 3, 1)[0], first[0]);
  EXPECT_NE(testing::FloatsOf(*testing::PipelineOf(testing::Numbers(5), {Draw(0)}, 8), 2, 1), first);
}

TEST(PipelineTest, TransformsDoNotShareTheirChance) {
  const float alone = testing::FloatsOf(*testing::PipelineOf(testing::Numbers(5), {Draw(0)}))[0];
  const std::vector<float> both = testing::FloatsOf(*testing::PipelineOf(testing::Numbers(5), {Draw(0), Draw(1)}));
  EXPECT_EQ(both[0], alone);
  EXPECT_NE(both[1], alone);
}

TEST(PipelineTest, ThreadsReadTheSame) {
  constexpr int64_t kSamples = 200;
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(kSamples), {Draw(0), Draw(1)});
  const auto read_all = [&] {
    std::vector<std::vector<float>> all;
    for (int64_t i = 0; i < kSamples; ++i) all.push_back(testing::FloatsOf(*pipeline, i));
    return all;
  };
  std::vector<std::vector<std::vector<float>>> results(3);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = read_all(); });
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::vector<float>> expected = read_all();
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

// A source of pictures whose files were exchanged meanwhile, say.
TEST(PipelineTest, SamplesAreAsTheSchemaSays) {
  const Transform grow = [](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [](Sample& sample, Rng&) {
                   sample[0] = Tensor::Of<float>({3}, {1, 2, 3});
                   return absl::OkStatus();
                 }};
  };
  EXPECT_THAT(
      testing::PipelineOf(testing::Numbers(5), {grow})->Read(0, 4),
      StatusIs(absl::StatusCode::kInvalidArgument, "sample 4: field 'x': expected float32 [2], got float32 [3]"));
}

TEST(PipelineTest, ErrorsNameTheSample) {
  const Transform fail = [](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [](Sample&, Rng&) { return absl::DataLossError("gone"); }};
  };
  EXPECT_THAT(testing::PipelineOf(testing::Numbers(5), {fail})->Read(0, 3),
              StatusIs(absl::StatusCode::kDataLoss, "sample 3: gone"));
}

}  // namespace
}  // namespace beak::data
