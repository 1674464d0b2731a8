#include "engine/job/job_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/engine/job/data_sets.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::OpenText;
using ::beak::testing::Pictures;
using ::beak::testing::PlainPng;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::beak::testing::ValuesOf;
using ::beak::testing::WritePictures;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

const std::string kDigest = "[0-9a-f]+";

TEST(ResolvePathTest, FindsWhatIsBelow) {
  const TempDir dir;
  dir.Write("a/b", "x");
  const std::string real = fs::canonical(dir.path()).string();
  for (const bool confined : {true, false}) {
    const JobFolder folder = {dir.path(), confined};
    EXPECT_THAT(ResolvePath(folder, "a/b"), IsOkAndHolds(real + "/a/b"));
    EXPECT_THAT(ResolvePath(folder, "a"), IsOkAndHolds(real + "/a"));
    EXPECT_THAT(ResolvePath(folder, "./a/../a//b"), IsOkAndHolds(real + "/a/b"));
    EXPECT_THAT(ResolvePath(folder, dir / "a/b"), IsOkAndHolds(real + "/a/b"));
    EXPECT_THAT(ResolvePath(folder, "."), IsOkAndHolds(real));
    EXPECT_THAT(ResolvePath(folder, "c"), StatusIs(absl::StatusCode::kNotFound, "'c': no such file or folder"));
    EXPECT_THAT(ResolvePath(folder, "a/b/c"), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(ResolvePath(folder, ""), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(ResolvePath(folder, std::string("a\0b", 3)), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(ResolvePath(folder, std::string(5000, 'x')), Not(testing::IsOk()));
  }
}

TEST(ResolvePathTest, NothingLeadsOutOfAConfinedFolder) {
  const TempDir dir;
  dir.Write("data/x", "x");
  dir.Write("secret", "x");
  fs::create_symlink(dir / "secret", dir / "data/link");
  fs::create_symlink(dir.path(), dir / "data/up");
  fs::create_symlink(dir / "data/x", dir / "data/inside");
  const std::string real = fs::canonical(dir.path()).string();
  for (const std::string& path : {std::string("../secret"), std::string("a/../../secret"), dir / "secret",
                                  std::string("link"), std::string("up/secret"), std::string(".."), std::string("/"),
                                  std::string("../no such file"), std::string("/no such file")}) {
    EXPECT_THAT(ResolvePath({dir / "data"}, path),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("expected a path within the data folder")))
        << path;
  }
  EXPECT_THAT(ResolvePath({dir / "data"}, "inside"), IsOkAndHolds(real + "/data/x"));
  EXPECT_THAT(ResolvePath({dir / "data/"}, "x"), IsOkAndHolds(real + "/data/x"));
  // A folder whose name begins as that of the data folder does.
  dir.Write("data2/x", "x");
  EXPECT_THAT(ResolvePath({dir / "data"}, dir / "data2/x"), StatusIs(absl::StatusCode::kPermissionDenied));
  for (const std::string path : {"../secret", "link", "up/secret"}) {
    EXPECT_THAT(ResolvePath({dir / "data", false}, path), IsOkAndHolds(real + "/secret"));
  }
}

class JobDataTest : public ::testing::Test {
 protected:
  JobDataTest() { options_.folder.path = dir_.path(); }

  absl::StatusOr<JobData> Open(const std::string& text) { return OpenText(text, options_); }

  const TempDir dir_;
  JobDataOptions options_;
};

TEST_F(JobDataTest, NothingIsHeldOutUnlessAsked) {
  WritePictures(dir_, "", 4, 2);
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("training { " + Pictures() + " }"));
  EXPECT_EQ(data.training->size(), 4);
  EXPECT_EQ(data.held_out, nullptr);
  EXPECT_THAT(data.training_digest, AllOf(MatchesRegex(kDigest), ::testing::SizeIs(64)));
  EXPECT_EQ(data.held_out_digest, "");
  EXPECT_THAT(data.notices, IsEmpty());
}

TEST_F(JobDataTest, PartIsHeldOutOfEachClass) {
  WritePictures(dir_, "", 40, 2);
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("training { " + Pictures() + " } hold_out { fraction: 0.1 seed: 5 }"));
  ASSERT_EQ(data.held_out->size(), 4);
  EXPECT_EQ(data.training->size(), 36);
  float ones = 0;
  std::set<float> pictures;
  for (int64_t i = 0; i < 4; ++i) {
    ones += ValuesOf(*data.held_out, i, 1)[0];
    pictures.insert(ValuesOf(*data.held_out, i)[0]);
  }
  EXPECT_EQ(ones, 2);
  for (int64_t i = 0; i < 36; ++i) EXPECT_EQ(pictures.count(ValuesOf(*data.plain, i)[0]), 0u);
  EXPECT_NE(data.training_digest, data.held_out_digest);
}

TEST_F(JobDataTest, TheSplitFollowsFromItsSeed) {
  WritePictures(dir_, "", 40, 2);
  std::set<std::string> digests;
  for (const std::string hold_out : {"seed: 1", "seed: 1", "seed: 2", "seed: 1 stratified: false"}) {
    ASSERT_OK_AND_ASSIGN(const JobData data,
                         Open("training { " + Pictures() + " } hold_out { fraction: 0.2 " + hold_out + " }"));
    digests.insert(data.held_out_digest);
  }
  EXPECT_EQ(digests.size(), 3u);
}

TEST_F(JobDataTest, OnlyOneFieldOfClassesCanBeStratified) {
  WritePictures(dir_, "", 8, 2);
  const std::string training =
      "training { arrays { field { name: 'a' file: 'label.npy' classes {} }"
      "field { name: 'b' file: 'label.npy' classes {} } } } hold_out { fraction: 0.25 ";
  EXPECT_THAT(Open(training + "stratified: true }"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("data.hold_out.stratified: expected one field of classes, got a, b")));
  ASSERT_OK_AND_ASSIGN(const JobData data, Open(training + "}"));
  EXPECT_EQ(data.held_out->size(), 2);
}

TEST_F(JobDataTest, BothPartsHaveSamples) {
  WritePictures(dir_, "", 4, 2);
  EXPECT_THAT(Open("training { " + Pictures() + " } hold_out { fraction: 0.01 }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("data.hold_out: split: held-out part")));
}

TEST_F(JobDataTest, AnOverlapIsRefusedWhereAsked) {
  WritePictures(dir_, "t", 6, 2, 0);
  WritePictures(dir_, "h", 4, 1, 4);  // pictures 4 and 5 again, with other labels
  const std::string text = "training { " + Pictures("t") + " } held_out { " + Pictures("h") + " }";
  ASSERT_OK(Open(text));
  options_.refuse_overlap = true;
  EXPECT_THAT(Open(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("got 2 of 4 held-out ones; the first is held-out sample 0, training "
                                             "sample 4")));
  WritePictures(dir_, "h", 4, 1, 6);
  EXPECT_OK(Open(text));
}

// Where a sample is nothing but classes, these are what is compared.
TEST_F(JobDataTest, SamplesOfClassesAloneCanOverlap) {
  WritePictures(dir_, "", 4, 2);
  options_.refuse_overlap = true;
  const std::string labels = "arrays { field { name: 'a' file: 'label.npy' classes {} } }";
  EXPECT_THAT(Open("training { " + labels + " } held_out { " + labels + " }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 4 of 4")));
}

TEST_F(JobDataTest, TheDigestIsOfTheValues) {
  dir_.Write("t/cat/1.png", PlainPng(2, 3, {1, 2, 3}));
  const std::string text = "training { image_folder { path: 't' } }";
  ASSERT_OK_AND_ASSIGN(const JobData before, Open(text));
  fs::rename(dir_ / "t/cat/1.png", dir_ / "t/cat/2.png");
  ASSERT_OK_AND_ASSIGN(const JobData renamed, Open(text + "augment { random_flip {} }"));
  EXPECT_EQ(renamed.training_digest, before.training_digest);
  dir_.Write("t/cat/2.png", PlainPng(2, 3, {1, 2, 4}));
  ASSERT_OK_AND_ASSIGN(const JobData other, Open(text));
  EXPECT_NE(other.training_digest, before.training_digest);
}

TEST_F(JobDataTest, PicturesOfSeveralSizesNeedAResize) {
  dir_.Write("t/cat/1.png", PlainPng(2, 3, {1, 2, 3}));
  dir_.Write("t/cat/2.png", PlainPng(3, 3, {1, 2, 3}));
  dir_.Write("t/dog/2.png", PlainPng(2, 3, {1, 2, 3}));
  const std::string text = "training { image_folder { path: 't' } }";
  EXPECT_THAT(Open(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                   AllOf(HasSubstr("data.training: field 'image': expected samples of one size"),
                                         HasSubstr("add a resize to data.prepare"))));
  EXPECT_THAT(Open(text + "prepare { to_planes {} }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("or a resize before this")));
  ASSERT_OK_AND_ASSIGN(const JobData data, Open(text + "prepare { resize { height: 4 width: 4 } }"));
  EXPECT_EQ(data::Describe(data.plain->schema()), "image float32 [3, 4, 4], label int64 [] of 2 classes");
  ASSERT_OK_AND_ASSIGN(const JobData same,
                       Open("training { image_folder { path: 't' same_size: true } } on_bad_sample: SKIP"));
  EXPECT_EQ(same.training->size(), 2);
  EXPECT_THAT(same.notices, ElementsAre(HasSubstr("training: 1 sample left out: '")));
}

TEST_F(JobDataTest, HeldOutPicturesAreAsLarge) {
  WritePictures(dir_, "t", 2, 2);
  WritePictures(dir_, "h", 2, 2, 9, 5, 5);
  const std::string text = "training { " + Pictures("t") + " } held_out { " + Pictures("h") + " }";
  EXPECT_THAT(Open(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("data.held_out: expected image float32 [1, 2, 3] as data.training gives, "
                                             "got image float32 [1, 5, 5]")));
  EXPECT_OK(Open(text + "prepare { resize { height: 4 width: 4 } }"));
}

TEST_F(JobDataTest, IndicesBecomeInt64) {
  WritePictures(dir_, "", 2, 2);
  options_.index_fields = {"image"};
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("training { " + Pictures() + " }"));
  EXPECT_EQ(data::Describe(data.training->schema()), "image int64 [2, 3], label int64 [] of 2 classes");
}

TEST_F(JobDataTest, AugmentationFollowsFromTheSeed) {
  WritePictures(dir_, "", 1, 1, 100);
  const std::string text = "training { " + Pictures() + " } augment { color_jitter { brightness: 0.9 } }";
  std::set<std::vector<float>> seen;
  for (const uint64_t seed : {1, 1, 2}) {
    options_.seed = seed;
    ASSERT_OK_AND_ASSIGN(const JobData data, Open(text));
    seen.insert(ValuesOf(*data.training, 0));
    EXPECT_EQ(ValuesOf(*data.plain, 0)[0], 100);
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(JobDataTest, OnlyTheFirstReasonsAreNoticed) {
  WritePictures(dir_, "", 20, 20);
  ASSERT_OK_AND_ASSIGN(const JobData data,
                       Open("training { " + Pictures() + " } on_bad_sample: SKIP hold_out { fraction: 0.5 }"));
  EXPECT_THAT(data.notices, ElementsAre(AllOf(HasSubstr("training: 18 samples left out: "), HasSubstr("sample 6:"),
                                              Not(HasSubstr("sample 7:")), ::testing::EndsWith("; ..."))));
}

TEST_F(JobDataTest, TellsHowFarItIs) {
  WritePictures(dir_, "", 150, 2);
  std::vector<std::pair<int64_t, int64_t>> calls;
  options_.progress = [&](int64_t done, int64_t total) { calls.emplace_back(done, total); };
  ASSERT_OK(Open("training { " + Pictures() + " }"));
  EXPECT_THAT(calls, ElementsAre(::testing::Pair(100, 150), ::testing::Pair(150, 150)));
}

}  // namespace
}  // namespace beak
