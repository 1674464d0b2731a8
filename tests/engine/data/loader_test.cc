#include "engine/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "engine/base/file.h"
#include "engine/data/array_files.h"
#include "engine/data/augment.h"
#include "engine/data/decode.h"
#include "tests/engine/data/sources.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::RealData;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LoaderOptions Options(int64_t batch_size, int64_t epochs, bool shuffle = true) {
  LoaderOptions options;
  options.batch_size = batch_size;
  options.epochs = epochs;
  options.shuffle = shuffle;
  options.seed = 5;
  return options;
}

// What a batch held, kept beyond its life.
struct Seen {
  Position position;
  std::vector<float> x;
  std::vector<int64_t> labels;

  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> ReadAll(Loader& loader) {
  std::vector<Seen> all;
  while (true) {
    const absl::StatusOr<const Batch*> batch = loader.Next();
    EXPECT_OK(batch);
    if (!batch.ok() || *batch == nullptr) return all;
    const std::vector<Tensor>& tensors = (*batch)->tensors;
    EXPECT_EQ(tensors[0].shape()[0], (*batch)->rows);
    all.push_back({(*batch)->position, testing::ValuesOf<float>(tensors[0]), testing::ValuesOf<int64_t>(tensors[1])});
  }
}

std::vector<Seen> ReadAll(const PipelinePtr& pipeline, const LoaderOptions& options, Position start = {}) {
  const absl::StatusOr<std::unique_ptr<Loader>> loader = Loader::Create(pipeline, options, start);
  EXPECT_OK(loader);
  return loader.ok() ? ReadAll(**loader) : std::vector<Seen>();
}

// The numbers of an epoch's samples in the order they came: x[0] of each.
std::vector<float> Order(const std::vector<Seen>& seen, int64_t epoch) {
  std::vector<float> order;
  for (const Seen& batch : seen) {
    for (size_t i = 0; batch.position.epoch == epoch && i < batch.x.size(); i += 2) order.push_back(batch.x[i]);
  }
  return order;
}

// Adds chance to a sample, so that what depends on it can be seen.
Transform AddNoise() {
  return [](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [](Sample& sample, Rng& rng) {
                   sample[0].mutable_values<float>()[1] = static_cast<float>(rng.Uniform());
                   return absl::OkStatus();
                 }};
  };
}

TEST(LoaderTest, WithoutShufflingKeepsTheOrder) {
  const std::vector<Seen> seen = ReadAll(testing::PipelineOf(testing::Numbers(5)), Options(2, 2, false));
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_EQ(seen[1], (Seen{{0, 1}, {2, -2, 3, -3}, {2, 0}}));
  EXPECT_EQ(seen[2], (Seen{{0, 2}, {4, -4}, {1}})) << "the last batch is short";
  EXPECT_EQ(seen[3], (Seen{{1, 0}, {0, 0, 1, -1}, {0, 1}}));
}

TEST(LoaderTest, AShortBatchCanBeLeftOut) {
  LoaderOptions options = Options(2, 2, false);
  options.drop_last = true;
  const std::vector<Seen> seen = ReadAll(testing::PipelineOf(testing::Numbers(5)), options);
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[1].position, (Position{0, 1}));
  EXPECT_EQ(seen[2].position, (Position{1, 0}));
}

TEST(LoaderTest, ShufflesEachEpochAnew) {
  const std::vector<Seen> seen = ReadAll(testing::PipelineOf(testing::Numbers(50)), Options(7, 2));
  std::vector<float> first = Order(seen, 0);
  std::vector<float> second = Order(seen, 1);
  EXPECT_NE(first, second);
  EXPECT_FALSE(std::ranges::is_sorted(first));
  std::ranges::sort(first);
  std::ranges::sort(second);
  EXPECT_EQ(first, second);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i], static_cast<float>(i));
}

TEST(LoaderTest, TheOrderIsAFunctionOfTheSeed) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(50), {AddNoise()});
  LoaderOptions options = Options(7, 2);
  const std::vector<Seen> seen = ReadAll(pipeline, options);
  options.prefetch = 9;
  EXPECT_EQ(ReadAll(pipeline, options), seen);
  options.seed = 6;
  EXPECT_NE(Order(ReadAll(pipeline, options), 0), Order(seen, 0));
}

TEST(LoaderTest, GoesOnFromAnyPosition) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(23), {AddNoise()}, 3);
  const LoaderOptions options = Options(5, 3);
  const std::vector<Seen> seen = ReadAll(pipeline, options);
  ASSERT_EQ(seen.size(), 15u);
  for (size_t i = 0; i < seen.size(); ++i) {
    const std::vector<Seen> rest(seen.begin() + static_cast<std::ptrdiff_t>(i) + 1, seen.end());
    // Behind the last batch of an epoch is the same as before the first one of the next.
    EXPECT_EQ(ReadAll(pipeline, options, {seen[i].position.epoch, seen[i].position.batch + 1}), rest) << i;
  }
}

TEST(LoaderTest, ABatchStaysUntilTheNext) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(100));
  LoaderOptions options = Options(1, 1, false);
  options.prefetch = 1;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Loader> loader, Loader::Create(pipeline, options));
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(const Batch* const batch, loader->Next());
    ASSERT_NE(batch, nullptr);
    EXPECT_THAT(testing::ValuesOf<float>(batch->tensors[0]), ElementsAre(i, -i));
  }
  ASSERT_OK_AND_ASSIGN(const Batch* const end, loader->Next());
  EXPECT_EQ(end, nullptr);
}

// No more memory than for the batches read ahead and the one that is looked at.
TEST(LoaderTest, BuffersAreUsedAgain) {
  LoaderOptions options = Options(2, 50, false);
  options.prefetch = 2;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Loader> loader,
                       Loader::Create(testing::PipelineOf(testing::Numbers(4)), options));
  std::vector<const std::byte*> buffers;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const Batch* const batch, loader->Next());
    if (batch == nullptr) break;
    buffers.push_back(batch->tensors[0].bytes());
  }
  EXPECT_EQ(buffers.size(), 100u);
  std::ranges::sort(buffers);
  EXPECT_EQ(std::unique(buffers.begin(), buffers.end()) - buffers.begin(), 3);
}

TEST(LoaderTest, ReadsAheadNoFurtherThanAsked) {
  std::atomic<int> read = 0;
  const Transform count = [&](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [&](Sample&, Rng&) {
                   read.fetch_add(1);
                   return absl::OkStatus();
                 }};
  };
  LoaderOptions options = Options(1, 0);
  options.prefetch = 3;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Loader> loader,
                       Loader::Create(testing::PipelineOf(testing::Numbers(10), {count}), options));
  for (int i = 1; i <= 20; ++i) {
    ASSERT_OK(loader->Next());
    // One in the user's hands, three ahead, and all that were there before.
    EXPECT_LE(read.load(), i + 3);
  }
}

TEST(LoaderTest, ABadSampleEndsIt) {
  const Transform fail = [](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [](Sample& sample, Rng&) {
                   return sample[0].values<float>()[0] == 5 ? absl::DataLossError("gone") : absl::OkStatus();
                 }};
  };
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Loader> loader,
                       Loader::Create(testing::PipelineOf(testing::Numbers(10), {fail}), Options(2, 0, false)));
  EXPECT_OK(loader->Next());
  EXPECT_OK(loader->Next());
  EXPECT_THAT(loader->Next(), StatusIs(absl::StatusCode::kDataLoss, "sample 5: gone"));
  EXPECT_THAT(loader->Next(), StatusIs(absl::StatusCode::kDataLoss, "sample 5: gone"));
}

// The thread is at the third of a million samples of a batch when its loader goes.
TEST(LoaderTest, StopsWithinABatch) {
  constexpr int kSamples = 1'000'000;
  std::atomic<int> read = 0;
  std::atomic<bool> leaving = false;
  const Transform wait = [&](const Schema& in) -> absl::StatusOr<Stage> {
    return Stage{in, [&](Sample&, Rng&) {
                   if (read.fetch_add(1) == 2) leaving.wait(false);
                   return absl::OkStatus();
                 }};
  };
  absl::StatusOr<std::unique_ptr<Loader>> loader =
      Loader::Create(testing::PipelineOf(testing::Numbers(kSamples), {wait}), Options(kSamples, 0));
  ASSERT_OK(loader);
  leaving = true;
  leaving.notify_all();
  loader->reset();
  EXPECT_LT(read.load(), kSamples);
}

TEST(LoaderTest, SaysWhatItCannotDo) {
  const PipelinePtr pipeline = testing::PipelineOf(testing::Numbers(5));
  const auto expect = [&](const LoaderOptions& options, const std::string& message, Position start = {}) {
    EXPECT_THAT(Loader::Create(pipeline, options, start),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect(Options(0, 1), "a batch size of 1 to 1000000, got 0");
  expect(Options(1'000'001, 1), "got 1000001");
  LoaderOptions options = Options(6, 1);
  options.drop_last = true;
  expect(options, "at least 6 samples, one whole batch, got 5");
  options = Options(2, 1);
  options.prefetch = 0;
  expect(options, "batches read ahead, got 0");
  expect(Options(2, -1), "0 or more epochs, got -1");
  expect(Options(2, 1), "one of 3 batches an epoch, got batch 4 of epoch 0", {0, 4});
  expect(Options(2, 1), "got batch -1", {0, -1});
  expect(Options(2, 1), "got batch 1 of epoch 1", {1, 1});
  EXPECT_TRUE(ReadAll(pipeline, Options(2, 1), {1, 0}).empty());
}

TEST(LoaderTest, WantsOneShape) {
  const Transform forget = [](const Schema& in) -> absl::StatusOr<Stage> {
    Schema out = in;
    out.fields[0].shape = {Dim()};
    return Stage{out, [](Sample&, Rng&) { return absl::OkStatus(); }};
  };
  EXPECT_THAT(
      Loader::Create(testing::PipelineOf(testing::Numbers(5), {forget}), Options(2, 1)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'x': expected one shape for all samples, got [?]")));
}

TEST(LoaderTest, MemoryHasALimit) {
  const SourcePtr source = testing::SourceOf({{"x", Tensor::Of<uint8_t>({1, 1}, {1})}});
  const Transform claim = [](const Schema& in) -> absl::StatusOr<Stage> {
    Schema out = in;
    out.fields[0].shape = {int64_t{1} << 31};
    return Stage{out, [](Sample&, Rng&) { return absl::OkStatus(); }};
  };
  EXPECT_THAT(Loader::Create(testing::PipelineOf(source, {claim}), Options(1, 1)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("3 batches of 1 samples of 2147483648 bytes")));
}

// A million of these samples would be more than there may be.
TEST(LoaderTest, MemoryIsForSamplesThatAreThere) {
  const SourcePtr source = testing::SourceOf({{"x", Tensor::Of<uint8_t>({2, 10'000}, std::vector<uint8_t>(20'000))}});
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Loader> loader,
                       Loader::Create(testing::PipelineOf(source), Options(1'000'000, 1)));
  ASSERT_OK_AND_ASSIGN(const Batch* const batch, loader->Next());
  EXPECT_THAT(batch->tensors[0].shape(), ElementsAre(2, 10'000));
}

// From files to batches: the digits as they are in one epoch, augmented in another.
TEST(LoaderTest, ReadsMnistFromFileToBatch) {
  const std::string images = RealData("datasets/mnist/t10k-images-idx3-ubyte.gz");
  if (!IsRegularFile(images)) GTEST_SKIP() << images << " is not there (BEAK_DATA)";
  ASSERT_OK_AND_ASSIGN(
      const SourcePtr source,
      OpenArrayFiles({{"image", images, "", {}},
                      {"label", RealData("datasets/mnist/t10k-labels-idx1-ubyte.gz"), "", Classes{10, {}}}},
                     OnBadSample::kFail));
  LoaderOptions options = Options(300, 1, false);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Loader> plain,
                       Loader::Create(testing::PipelineOf(source, {ToPlanes()}), options));
  ASSERT_OK_AND_ASSIGN(const Batch* const first, plain->Next());
  EXPECT_THAT(first->tensors[0].shape(), ElementsAre(300, 1, 28, 28));
  EXPECT_THAT(first->tensors[1].values<int64_t>().first(5), ElementsAre(7, 2, 1, 0, 4));
  double sum = 0;
  for (const float value : first->tensors[0].values<float>()) sum += value;

  ASSERT_OK_AND_ASSIGN(
      const std::unique_ptr<Loader> shifted,
      Loader::Create(testing::PipelineOf(source, {ToPlanes(), RandomCrop({.padding = 2}), RandomRotation()}), options));
  ASSERT_OK_AND_ASSIGN(const Batch* const other, shifted->Next());
  EXPECT_NE(testing::ValuesOf<float>(other->tensors[0]), testing::ValuesOf<float>(first->tensors[0]));
  double shifted_sum = 0;
  for (const float value : other->tensors[0].values<float>()) shifted_sum += value;
  // Digits have wide margins: shifting and turning loses hardly any ink.
  EXPECT_NEAR(shifted_sum / sum, 1, 0.02);
}

}  // namespace
}  // namespace beak::data
