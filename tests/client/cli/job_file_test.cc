#include "client/cli/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "engine/base/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::cli {
namespace {

using ::beak::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

class JobFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    EXPECT_OK(WriteFileAtomically(dir_ / name, text));
    return dir_ / name;
  }

  testing::TempDir dir_;
};

TEST_F(JobFileTest, TheDescriptionTakesThePlaceOfItsFile) {
  ASSERT_EQ(mkdir((dir_ / "nets").c_str(), 0700), 0);
  Write("nets/small.textproto", R"(name: "small" layer { name: "d" dense { units: 3 } })");
  const std::string path = Write("job.textproto", R"(
      model: "m"
      network { description_file: "nets/small.textproto" frozen: "d*" reinitialize: true }
      data { training { arrays { field { name: "x" file: "x.npy" } } } })");
  ASSERT_OK_AND_ASSIGN(const v1::TrainJobSpec spec, ReadJobFile(path));
  EXPECT_FALSE(spec.network().has_description_file());
  EXPECT_EQ(spec.network().description().layer(0).dense().units(), 3);
  EXPECT_EQ(spec.network().frozen(0), "d*");
  EXPECT_TRUE(spec.network().reinitialize());
  EXPECT_EQ(spec.data().training().arrays().field(0).file(), "x.npy") << "which is the server's";
}

TEST_F(JobFileTest, ADescriptionMayBeElsewhere) {
  const std::string network = Write("elsewhere.textproto", R"(name: "n")");
  const testing::TempDir other;
  const std::string job = other / "job.textproto";
  ASSERT_OK(WriteFileAtomically(job, "network { description_file: \"" + network + "\" }"));
  ASSERT_OK_AND_ASSIGN(const v1::TrainJobSpec spec, ReadJobFile(job));
  EXPECT_EQ(spec.network().description().name(), "n");
}

TEST_F(JobFileTest, OtherNetworksStayAsTheyAre) {
  for (const char* network :
       {R"(onnx_file: "net.onnx")", R"(served { name: "m" version: 2 })", R"(description { name: "n" })"}) {
    const std::string path = Write("job.textproto", std::string("network { ") + network + " }");
    ASSERT_OK_AND_ASSIGN(const v1::TrainJobSpec spec, ReadJobFile(path));
    EXPECT_NE(spec.network().source_case(), v1::NetworkSource::SOURCE_NOT_SET);
    EXPECT_NE(spec.network().source_case(), v1::NetworkSource::kDescriptionFile);
  }
}

TEST_F(JobFileTest, WrongTextIsNamedByFileLineAndColumn) {
  const std::string path = Write("job.textproto", "model: \"m\"\ntraining {\n  epoch: 5\n}\n");
  EXPECT_THAT(ReadJobFile(path),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(path + ":3:"), HasSubstr("\"epoch\""))));
  const std::string network = Write("net.textproto", "name: \"n\"\nlayer { name: 3 }");
  const std::string job = Write("job.textproto", "network { description_file: \"net.textproto\" }");
  EXPECT_THAT(ReadJobFile(job), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(network + ":2:")));
}

TEST_F(JobFileTest, NoTextDoesHarm) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "x {";
  for (const std::string& text :
       {std::string("\0\xff\xfe{{{", 6), deep, std::string(1000, '"'), std::string("model: ")}) {
    EXPECT_THAT(ReadJobFile(Write("job.textproto", text)), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(JobFileTest, FilesThatAreNotThereAreNamed) {
  EXPECT_THAT(ReadJobFile(dir_ / "no.textproto"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no.textproto")));
  const std::string job = Write("job.textproto", "network { description_file: \"gone.textproto\" }");
  EXPECT_THAT(ReadJobFile(job), StatusIs(absl::StatusCode::kNotFound,
                                         AllOf(HasSubstr("network.description_file: "), HasSubstr("gone.textproto"))));
}

}  // namespace
}  // namespace beak::cli
