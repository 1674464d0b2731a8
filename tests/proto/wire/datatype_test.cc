#include "proto/wire/datatype.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/inference/model_config.pb.h"

namespace beak::wire {
namespace {

using ::testing::HasSubstr;

TEST(DatatypeTest, EveryNameParsesToItsType) {
  for (const DatatypeInfo& info : AllDatatypes()) {
    absl::StatusOr<Datatype> parsed = ParseDatatype(info.name);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, info.datatype);
    EXPECT_EQ(&Describe(info.datatype), &info);
  }
}

TEST(DatatypeTest, UnknownNameIsRefusedAndTheChoicesAreGiven) {
  absl::Status status = ParseDatatype("FLOAT").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected one of BOOL UINT8"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("got 'FLOAT'"));
}

TEST(DatatypeTest, NumbersAreThoseOfTheModelConfiguration) {
  for (const DatatypeInfo& info : AllDatatypes()) {
    const std::string name = info.datatype == Datatype::kBytes ? "STRING" : info.name;
    inference::DataType configured = inference::TYPE_INVALID;
    ASSERT_TRUE(inference::DataType_Parse("TYPE_" + name, &configured)) << name;
    absl::StatusOr<Datatype> datatype = DatatypeFromConfig(configured);
    ASSERT_TRUE(datatype.ok()) << datatype.status();
    EXPECT_EQ(*datatype, info.datatype) << name;
  }
  EXPECT_EQ(AllDatatypes().size(), static_cast<size_t>(inference::DataType_MAX)) << "a type without a row";
}

TEST(DatatypeTest, ConfigurationsMayHoldNumbersThatAreNoType) {
  for (int number : {-1, static_cast<int>(inference::TYPE_INVALID), inference::DataType_MAX + 1, 1 << 30}) {
    EXPECT_EQ(DatatypeFromConfig(number).status().code(), absl::StatusCode::kInvalidArgument) << number;
  }
}

}  // namespace
}  // namespace beak::wire
