#include "server/models/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "proto/inference/model_config.pb.h"
#include "server/models/config_override.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

class DiskTest : public ::testing::Test {
 protected:
  Disk Scan(const Disk& before = {}, Trust trust = Trust::kAtOnce) {
    auto disk = ScanDisk(dir_.path(), {}, overrides_, before, trust);
    EXPECT_OK(disk);
    return *std::move(disk);
  }
  static uint64_t Print(const Disk& disk, int64_t version = 1) {
    return disk.at("m").state.versions.at(version).fingerprint;
  }
  static bool Settled(const Disk& disk, int64_t version = 1) { return disk.at("m").state.versions.at(version).settled; }

  const testing::TempDir dir_;
  ConfigOverrides overrides_;
};

TEST_F(DiskTest, SeesVersionsAndWhichOfThemAreWanted) {
  dir_.Write("m/1/model.onnx", "12345");
  dir_.Write("m/3/model.onnx", "123");
  const Disk disk = Scan();
  EXPECT_THAT(disk.at("m").state.wanted, ElementsAre(3));
  EXPECT_EQ(disk.at("m").bytes.at(1), 5);
  EXPECT_TRUE(Settled(disk));
}

TEST_F(DiskTest, WhatIsNewSettlesWhenItIsTheSameTwice) {
  const Disk empty = Scan();
  dir_.Write("m/1/model.onnx", "1");
  const Disk first = Scan(empty, Trust::kWhenStill);
  EXPECT_FALSE(Settled(first));
  dir_.Write("m/1/model.onnx", "12");
  const Disk second = Scan(first, Trust::kWhenStill);
  EXPECT_FALSE(Settled(second)) << "it has changed";
  EXPECT_TRUE(Settled(Scan(second, Trust::kWhenStill)));
}

TEST_F(DiskTest, WhatHasNotSettledDoesNotTakeThePlaceOfWhatHas) {
  dir_.Write("m/1/model.onnx", "1");
  Disk disk = Scan();
  // Every time that is looked there is one more: each is wanted once it has stood still, though the next is there.
  for (int64_t version = 2; version < 5; ++version) {
    dir_.Write("m/" + std::to_string(version) + "/model.onnx", "12");
    disk = Scan(disk, Trust::kWhenStill);
    EXPECT_THAT(disk.at("m").state.wanted, ElementsAre(version - 1));
  }
  dir_.Write("m/4/model.onnx", "123");
  disk = Scan(disk, Trust::kWhenStill);
  EXPECT_THAT(disk.at("m").state.wanted, ElementsAre(3));
  disk = Scan(disk, Trust::kWhenStill);
  EXPECT_THAT(disk.at("m").state.wanted, ElementsAre(4));
  dir_.Write("m/4/model.onnx", "1234");
  disk = Scan(disk, Trust::kWhenStill);
  EXPECT_THAT(disk.at("m").state.wanted, ElementsAre(4)) << "it has had its turn, and is loaded anew when it settles";
}

TEST_F(DiskTest, AnEmptyFolderIsOnItsWayUnlessTheModelIsAnEnsemble) {
  std::filesystem::create_directories(dir_ / "m/1");
  EXPECT_FALSE(Settled(Scan(Scan(), Trust::kWhenStill)));
  for (const char* config : {"ensemble_scheduling {}", "beak { averaging {} }"}) {
    dir_.Write("m/config.pbtxt", config);
    const Disk first = Scan({}, Trust::kWhenStill);
    EXPECT_FALSE(Settled(first));
    EXPECT_TRUE(Settled(Scan(first, Trust::kWhenStill))) << config;
  }
}

TEST_F(DiskTest, AVersionIsAnotherWhenItsSettingsAreButNotWhenThePolicyIs) {
  dir_.Write("m/1/model.onnx", "1");
  dir_.Write("m/labels.txt", "a\n");
  dir_.Write("m/config.pbtxt", "output { name: 'y' label_filename: 'labels.txt' }");
  const Disk first = Scan();
  dir_.Write("m/config.pbtxt", "output { name: 'y' label_filename: 'labels.txt' } version_policy { all {} } # said");
  EXPECT_EQ(Print(Scan(first)), Print(first));
  dir_.Write("m/README", "not part of it");
  EXPECT_EQ(Print(Scan(first)), Print(first));
  dir_.Write("m/labels.txt", "b and more\n");
  const Disk labels = Scan(first);
  EXPECT_NE(Print(labels), Print(first));
  dir_.Write("m/config.pbtxt", "output { name: 'y' label_filename: 'labels.txt' } max_batch_size: 3");
  EXPECT_NE(Print(Scan(labels)), Print(labels));
}

TEST_F(DiskTest, AConfigurationThatBreaksLeavesThePolicyThatWas) {
  dir_.Write("m/1/model.onnx", "1");
  dir_.Write("m/2/model.onnx", "1");
  dir_.Write("m/config.pbtxt", "version_policy { all {} }");
  const Disk first = Scan();
  dir_.Write("m/config.pbtxt", "nonsense");
  const Disk second = Scan(first);
  EXPECT_THAT(second.at("m").state.wanted, ElementsAre(1, 2));
  EXPECT_NE(Print(second), Print(first)) << "it is looked at again, and said to be wrong";
  EXPECT_THAT(SourceOf("m", second.at("m"), 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.pbtxt")));
  EXPECT_FALSE(Scan(second).at("m").config_status.ok()) << "it does not mend itself";
}

TEST_F(DiskTest, OverridesAreInForce) {
  dir_.Write("m/1/model.onnx", "1");
  dir_.Write("m/2/net.onnx", "1");
  overrides_["m"] =
      *ParseConfigJson(R"({"version_policy":{"specific":{"versions":[1, 5]}},"default_model_filename":"net.onnx"})");
  const Disk disk = Scan();
  EXPECT_THAT(disk.at("m").state.wanted, ElementsAre(1, 5));
  ASSERT_OK_AND_ASSIGN(const VersionSource source, SourceOf("m", disk.at("m"), 2));
  EXPECT_EQ(source.file, dir_ / "m/2/net.onnx");
  EXPECT_EQ(source.label_folder, dir_ / "m");
  overrides_["m"] = *ParseConfigJson(R"({"default_model_filename":"../1/model.onnx"})");
  EXPECT_THAT(SourceOf("m", Scan().at("m"), 2), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(DiskTest, FilesAreModelsOfOneVersion) {
  const std::string file = dir_.Write("net.onnx", "123");
  const std::vector<ModelFile> files = {{"mine", file}};
  auto disk = ScanDisk("", files, {}, {}, Trust::kAtOnce);
  ASSERT_OK(disk);
  EXPECT_THAT(disk->at("mine").state.wanted, ElementsAre(1));
  EXPECT_EQ(disk->at("mine").bytes.at(1), 3);
  EXPECT_EQ(SourceOf("mine", disk->at("mine"), 1)->file, file);
  EXPECT_OK(ScanModel("", files, "mine", {}, *disk));
  EXPECT_THAT(ScanModel("", files, "other", {}, *disk), StatusIs(absl::StatusCode::kNotFound));
  std::filesystem::remove(file);
  disk = ScanDisk("", files, {}, *disk, Trust::kWhenStill);
  EXPECT_TRUE(disk->at("mine").state.versions.empty());
}

TEST_F(DiskTest, SoManyModelsAreTakenAndThoseThatWereKeepTheirPlaces) {
  for (const char* name : {"b", "c", "d"}) dir_.Write(std::string(name) + "/1/model.onnx", "1");
  const auto scan = [&](const Disk& before) { return *ScanDisk(dir_.path(), {}, {}, before, Trust::kAtOnce, 2); };
  Disk disk = scan({});
  EXPECT_OK(SourceOf("b", disk.at("b"), 1));
  EXPECT_OK(SourceOf("c", disk.at("c"), 1));
  EXPECT_THAT(SourceOf("d", disk.at("d"), 1), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 2")));
  EXPECT_THAT(disk.at("d").state.wanted, ElementsAre(1)) << "it is seen, and fails";

  dir_.Write("a/1/model.onnx", "1");
  disk = scan(disk);
  EXPECT_FALSE(disk.at("a").taken);
  EXPECT_TRUE(disk.at("b").taken && disk.at("c").taken);
  EXPECT_FALSE(ScanModel(dir_.path(), {}, "a", {}, disk, 2)->taken);
  EXPECT_TRUE(ScanModel(dir_.path(), {}, "b", {}, disk, 2)->taken);

  const uint64_t refused = disk.at("a").state.versions.at(1).fingerprint;
  std::filesystem::remove_all(dir_ / "b");
  EXPECT_TRUE(ScanModel(dir_.path(), {}, "a", {}, disk, 2)->taken) << "the place of one that has gone is free";
  disk = scan(disk);
  EXPECT_TRUE(disk.at("a").taken);
  EXPECT_FALSE(disk.at("d").taken);
  EXPECT_NE(disk.at("a").state.versions.at(1).fingerprint, refused) << "or nobody would try it again";
}

}  // namespace
}  // namespace beak
