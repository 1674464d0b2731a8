#include "engine/io/cifar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A record whose planes are of one colour but for the last pixel.
std::string Record(char label, char red, char green, char blue) {
  std::string record(1, label);
  for (const char value : {red, green, blue}) {
    record.append(1023, value);
    record.push_back(static_cast<char>(value + 1));
  }
  return record;
}

TEST(ParseCifar10Test, InterleavesThePlanes) {
  ASSERT_OK_AND_ASSIGN(const LabelledImages read, ParseCifar10(Record(9, 10, 20, 30) + Record(0, 40, 50, 60)));
  EXPECT_THAT(read.labels.values<int64_t>(), ElementsAre(9, 0));
  EXPECT_THAT(read.images.shape(), ElementsAre(2, 32, 32, 3));
  const std::span<const uint8_t> pixels = read.images.values<uint8_t>();
  EXPECT_THAT(pixels.first(6), ElementsAre(10, 20, 30, 10, 20, 30));
  EXPECT_THAT(pixels.subspan(3069, 6), ElementsAre(11, 21, 31, 40, 50, 60));
  EXPECT_THAT(pixels.last(3), ElementsAre(41, 51, 61));
}

TEST(ParseCifar10Test, RefusesWhatIsNoWholeNumberOfRecords) {
  const std::string record = Record(1, 2, 3, 4);
  for (const std::string& bytes : {std::string(), record.substr(1), record + "x"}) {
    EXPECT_THAT(ParseCifar10(bytes), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("records of 3073 bytes")));
  }
}

TEST(ParseCifar10Test, RefusesLabelsOutOfRange) {
  EXPECT_THAT(ParseCifar10(Record(9, 0, 0, 0) + Record(10, 0, 0, 0)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("record 1: expected a label of 0 to 9, got 10")));
}

}  // namespace
}  // namespace beak
