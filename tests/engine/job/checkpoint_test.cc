#include "engine/job/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using testing::RandomTensor;
using testing::SameBits;
using ::testing::SizeIs;
using testing::StatusIs;
using testing::TempDir;

Checkpoint Sample(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.position = {2, step % 10};
  checkpoint.state.tensors = {{"trainer/parameter/w", RandomTensor({3, 5}, static_cast<int>(step))},
                              {"trainer/parameter/empty", Tensor::Of<float>({0}, {})}};
  checkpoint.state.numbers = {{"loss", 0.1 + static_cast<double>(step) / 3},
                              {"negative zero", -0.0},
                              {"tiny", 5e-324},
                              {"large", std::numeric_limits<double>::max()},
                              {"whole", 7}};
  v1::EpochReport epoch;
  epoch.set_epoch(1);
  epoch.set_steps((int64_t{1} << 53) + 1);
  epoch.mutable_training()->set_loss(std::numeric_limits<double>::infinity());
  epoch.mutable_held_out()->set_accuracy(0.1);
  checkpoint.epochs = {epoch, epoch};
  checkpoint.origin = {{"job", "abc"}, {"version", "not \xff UTF-8"}};
  return checkpoint;
}

void ExpectSame(const Checkpoint& actual, const Checkpoint& expected) {
  EXPECT_EQ(actual.step, expected.step);
  EXPECT_EQ(actual.position, expected.position);
  EXPECT_EQ(actual.state.numbers, expected.state.numbers);
  EXPECT_TRUE(std::signbit(actual.state.numbers.at("negative zero")));
  ASSERT_EQ(actual.state.tensors.size(), expected.state.tensors.size());
  for (const auto& [name, tensor] : expected.state.tensors) {
    EXPECT_TRUE(SameBits(actual.state.tensors.at(name), tensor)) << name;
  }
  ASSERT_EQ(actual.epochs.size(), expected.epochs.size());
  for (size_t i = 0; i < expected.epochs.size(); ++i) {
    EXPECT_EQ(actual.epochs[i].SerializeAsString(), expected.epochs[i].SerializeAsString());
  }
  EXPECT_EQ(actual.origin.at("job"), "abc");
}

std::unique_ptr<CheckpointStore> Open(const TempDir& dir) {
  auto store = CheckpointStore::Open(dir / "checkpoint");
  BEAK_CHECK(store.ok());
  return *std::move(store);
}

// What a process that starts now goes on from: the step, or -1.
int64_t NewestStep(const TempDir& dir, size_t passed_over = 0) {
  std::vector<std::string> notices;
  const auto checkpoint = Open(dir)->ReadNewest(notices);
  EXPECT_OK(checkpoint.status());
  EXPECT_THAT(notices, SizeIs(passed_over));
  return checkpoint.ok() && checkpoint->has_value() ? (*checkpoint)->step : -1;
}

TEST(CheckpointStoreTest, ReadsWhatAnotherProcessWrote) {
  const TempDir dir;
  EXPECT_EQ(NewestStep(dir), -1);
  EXPECT_FALSE(CheckpointStore::HasAny(dir / "checkpoint"));
  ASSERT_OK(Open(dir)->Write(Sample(12)));
  EXPECT_TRUE(CheckpointStore::HasAny(dir / "checkpoint"));
  std::vector<std::string> notices;
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, Open(dir)->ReadNewest(notices));
  ASSERT_TRUE(checkpoint.has_value());
  ExpectSame(*checkpoint, Sample(12));
  EXPECT_THAT(notices, IsEmpty());
}

TEST(CheckpointStoreTest, KeepsTheTwoNewest) {
  const TempDir dir;
  const auto store = Open(dir);
  dir.Write("checkpoint/000000000002.json.tmp.77.0", "left by a process that was killed");
  for (const int64_t step : {2, 9, 10, 1000}) ASSERT_OK(store->Write(Sample(step)));
  EXPECT_THAT(ListDirectory(dir / "checkpoint"),
              IsOkAndHolds(ElementsAre("000000000010.json", "000000000010.safetensors", "000000001000.json",
                                       "000000001000.safetensors")));
  EXPECT_EQ(NewestStep(dir), 1000);
}

TEST(CheckpointStoreTest, GoesOnWithinAStepButNeverWritesOverGoodTensors) {
  const TempDir dir;
  const auto written = Open(dir);
  ASSERT_OK(written->Write(Sample(4)));
  Checkpoint later = Sample(4);
  later.position = {3, 0};
  Checkpoint other = later;
  other.state.tensors["best"] = RandomTensor({2}, 1);
  const auto read = Open(dir);
  std::vector<std::string> notices;
  ASSERT_OK(read->ReadNewest(notices));
  for (CheckpointStore* store : {written.get(), read.get()}) {
    ASSERT_OK(store->Write(other));
    ASSERT_OK_AND_ASSIGN(const auto before, Open(dir)->ReadNewest(notices));
    ExpectSame(*before, store == written.get() ? Sample(4) : later);
    ASSERT_OK(store->Write(later));
    ASSERT_OK_AND_ASSIGN(const auto after, Open(dir)->ReadNewest(notices));
    ExpectSame(*after, later);
  }
  EXPECT_THAT(ListDirectory(dir / "checkpoint"), IsOkAndHolds(SizeIs(2)));
}

TEST(CheckpointStoreTest, ADamagedOneIsPassedOverForTheOneBefore) {
  const TempDir dir;
  const auto store = Open(dir);
  ASSERT_OK(store->Write(Sample(3)));
  ASSERT_OK(store->Write(Sample(5)));
  for (const char* suffix : {".safetensors", ".json"}) {
    const std::string path = dir / absl::StrCat("checkpoint/000000000005", suffix);
    ASSERT_OK_AND_ASSIGN(const std::string good, ReadFile(path, 1 << 20));
    for (size_t size = 0; size < good.size(); size += 7) {
      std::ofstream(path, std::ios::binary) << good.substr(0, size);
      ASSERT_EQ(NewestStep(dir, 1), 3) << suffix << " of " << size << " bytes";
    }
    std::filesystem::remove(path);
    ASSERT_EQ(NewestStep(dir, *suffix == '.' && suffix[1] == 's' ? 1 : 0), 3) << "without " << suffix;
    std::ofstream(path, std::ios::binary) << good;
    ASSERT_EQ(NewestStep(dir), 5);
  }
}

// No byte may change unnoticed: it is passed over, or says the same (white space between two values).
TEST(CheckpointStoreTest, NoByteChangesUnnoticed) {
  const TempDir dir;
  ASSERT_OK(Open(dir)->Write(Sample(5)));
  for (const char* suffix : {".safetensors", ".json"}) {
    const std::string path = dir / absl::StrCat("checkpoint/000000000005", suffix);
    ASSERT_OK_AND_ASSIGN(const std::string good, ReadFile(path, 1 << 20));
    for (size_t i = 0; i < good.size(); ++i) {
      for (const char bit : {1, 16}) {
        std::string changed = good;
        changed[i] = static_cast<char>(changed[i] ^ bit);
        std::ofstream(path, std::ios::binary) << changed;
        std::vector<std::string> notices;
        ASSERT_OK_AND_ASSIGN(const auto checkpoint, Open(dir)->ReadNewest(notices));
        if (checkpoint) ExpectSame(*checkpoint, Sample(5));
      }
    }
    std::ofstream(path, std::ios::binary) << good;
  }
}

TEST(CheckpointStoreTest, WhatWasPassedOverMakesRoom) {
  const TempDir dir;
  ASSERT_OK(Open(dir)->Write(Sample(3)));
  dir.Write("checkpoint/000000000005.json", "{}");
  dir.Write("checkpoint/000000000005.safetensors", "");
  const auto store = Open(dir);
  std::vector<std::string> notices;
  ASSERT_OK(store->ReadNewest(notices));
  EXPECT_THAT(notices, ElementsAre(HasSubstr("step 5 is passed over")));
  ASSERT_OK(store->Write(Sample(5))) << "of the same step";
  EXPECT_EQ(NewestStep(dir), 5);
  ASSERT_OK(store->Write(Sample(6)));
  EXPECT_THAT(ListDirectory(dir / "checkpoint"), IsOkAndHolds(SizeIs(4)));
}

// Limits the size of files for the length of a scope: what a full disk does, but for the error's number.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_;
};

TEST(CheckpointStoreTest, AFullDiskLeavesTheOneBefore) {
  const TempDir dir;
  const auto store = Open(dir);
  ASSERT_OK(store->Write(Sample(3)));
  for (const rlim_t bytes : {0, 100, 300}) {  // within the tensors, and within the rest
    const FileSizeLimit limit(bytes);
    const absl::Status status = store->Write(Sample(5));
    EXPECT_FALSE(status.ok()) << bytes;
    EXPECT_THAT(std::string(status.message()), HasSubstr("checkpoint of step 5: cannot write"));
  }
  EXPECT_THAT(ListDirectory(dir / "checkpoint"), IsOkAndHolds(SizeIs(2))) << "nothing half-written is left";
  EXPECT_EQ(NewestStep(dir), 3);
  ASSERT_OK(store->Write(Sample(5))) << "once there is room";
  EXPECT_EQ(NewestStep(dir), 5);
}

TEST(CheckpointStoreTest, AFolderThatMayNotBeWrittenIsAnError) {
  const TempDir dir;
  dir.Write("checkpoint", "a file");
  EXPECT_FALSE(CheckpointStore::Open(dir / "checkpoint").ok());
  EXPECT_FALSE(CheckpointStore::HasAny(dir / "checkpoint"));
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const auto store = CheckpointStore::Open(dir / "other");
  ASSERT_OK(store);
  ASSERT_OK((*store)->Write(Sample(3)));
  std::filesystem::permissions(dir / "other", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_THAT((*store)->Write(Sample(5)), StatusIs(absl::StatusCode::kPermissionDenied));
  std::vector<std::string> notices;
  ASSERT_OK_AND_ASSIGN(const auto checkpoint, (*store)->ReadNewest(notices));
  EXPECT_EQ(checkpoint->step, 3);
}

}  // namespace
}  // namespace beak
