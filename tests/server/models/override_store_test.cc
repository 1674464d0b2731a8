#include "server/models/override_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class OverrideStoreTest : public ::testing::Test {
 protected:
  OverrideStore Open() {
    auto store = OverrideStore::Open(dir_ / "state");
    EXPECT_OK(store);
    return *std::move(store);
  }

  testing::TempDir dir_;
};

TEST_F(OverrideStoreTest, WhatIsKeptIsThereAfterARestart) {
  EXPECT_TRUE(Open().durable());
  EXPECT_OK(Open().Keep("m", "{\n}"));
  EXPECT_OK(Open().Keep(std::string(255, 'n'), ""));
  EXPECT_THAT(Open().all(), ElementsAre(Pair("m", "{\n}"), Pair(std::string(255, 'n'), "")));
  EXPECT_OK(Open().Keep("m", "{}"));
  EXPECT_EQ(Open().all().at("m"), "{}");
  EXPECT_OK(Open().Drop("m"));
  EXPECT_OK(Open().Drop("m")) << "nothing to drop is dropped";
  EXPECT_EQ(Open().all().count("m"), 0u);
}

TEST_F(OverrideStoreTest, FilesThatMakeNoSenseAreIgnored) {
  EXPECT_OK(Open().Keep("m", "{}"));
  const fs::path good = fs::directory_iterator(dir_ / "state/overrides")->path();
  for (const char* text : {"", "beak override 1 m", "beak override 1 \n{}", "beak override 1 other\n{}", "x\n{}"}) {
    std::ofstream(good) << text;
    EXPECT_THAT(Open().all(), IsEmpty()) << text;
  }
}

TEST_F(OverrideStoreTest, WithoutAFolderNothingIsKept) {
  auto store = OverrideStore::Open("");
  ASSERT_OK(store);
  EXPECT_FALSE(store->durable());
  EXPECT_OK(store->Keep("m", "{}"));
  EXPECT_OK(store->Drop("m"));
}

}  // namespace
}  // namespace beak
