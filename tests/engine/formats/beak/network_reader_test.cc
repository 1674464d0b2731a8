#include "engine/formats/beak/network_reader.h"

#include <gtest/gtest.h>

#include "proto/beak/v1/network.pb.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ParseNetworkTest, ReadsText) {
  ASSERT_OK_AND_ASSIGN(const v1::Network network,
                       ParseNetwork("name: 'n' input { name: 'x' shape: [1, 28, 28] } layer { name: 'a' flatten {} }"));
  EXPECT_EQ(network.name(), "n");
  EXPECT_EQ(network.input(0).shape_size(), 3);
  EXPECT_TRUE(network.layer(0).has_flatten());
}

TEST(ParseNetworkTest, SaysWhereItIsWrongAndPrintsNothing) {
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(ParseNetwork("name: 'n'\nlayer { name: 'a' flaten {} }"),
              StatusIs(kInvalid, AllOf(HasSubstr("2:26: "), HasSubstr("flaten"))));
  EXPECT_THAT(ParseNetwork("layer { name: 'a' activation { kind: RELV } }"), StatusIs(kInvalid, HasSubstr("RELV")));
  EXPECT_THAT(ParseNetwork("layer { flatten {} dense {} }"), StatusIs(kInvalid));
  EXPECT_THAT(ParseNetwork("layer {"), StatusIs(kInvalid));
  EXPECT_THAT(ParseNetwork(std::string("\0\xff\x01", 3)), StatusIs(kInvalid));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ParseNetworkTest, RefusesTextBeyondTheLimit) {
  EXPECT_THAT(ParseNetwork(std::string(kMaxNetworkTextBytes + 1, ' ')),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("16777216")));
}

TEST(ReadNetworkFileTest, ErrorsNameTheFile) {
  const testing::TempDir dir;
  EXPECT_THAT(ReadNetworkFile(dir / "missing"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("missing")));
  EXPECT_THAT(ReadNetworkFile(dir.Write("text", "hello")), StatusIs(kInvalid, HasSubstr("text': 1:")));
  EXPECT_THAT(ReadNetworkFile(dir.Write("empty", "")),
              StatusIs(kInvalid, HasSubstr("empty': network: expected at least one input and one layer")));
}

}  // namespace
}  // namespace beak
