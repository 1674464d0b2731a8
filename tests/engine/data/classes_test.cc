#include "engine/data/classes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SourcePtr Labels(const std::vector<int32_t>& labels) {
  return testing::SourceOf({{"label", Tensor::Of<int32_t>({static_cast<int64_t>(labels.size())}, labels)}});
}

TEST(ClassesTest, AreAsManyAsTheLargestAsksFor) {
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, WithClasses(Labels({0, 4, 1}), "label", {}, OnBadSample::kFail));
  EXPECT_EQ(source->schema().fields[0].num_classes, 5);
  EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(0, 4, 1)));
}

TEST(ClassesTest, HaveTheNamesGiven) {
  ASSERT_OK_AND_ASSIGN(const SourcePtr source,
                       WithClasses(Labels({0}), "label", {0, {"cat", "dog"}}, OnBadSample::kFail));
  EXPECT_EQ(source->schema().fields[0].num_classes, 2);
  EXPECT_THAT(source->schema().fields[0].class_names, ElementsAre("cat", "dog"));
  EXPECT_THAT(WithClasses(Labels({0}), "label", {3, {"cat", "dog"}}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'label': expected 3 class names, got 2")));
  EXPECT_THAT(WithClasses(Labels({0}), "label", {0, {"cat", "dog", "cat"}}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'label': expected each class name once")));
}

TEST(ClassesTest, ALabelOutOfRangeIsAnError) {
  EXPECT_THAT(WithClasses(Labels({0, 2}), "label", {2, {}}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("field 'label': sample 1: expected a class of 0 to 1, got 2")));
  EXPECT_THAT(WithClasses(Labels({-1, 2}), "label", {}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sample 0: expected a class of 0 to 2, got -1")));
  EXPECT_THAT(WithClasses(Labels({1'000'000}), "label", {}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at most 1000000 classes")));
}

TEST(ClassesTest, OrItsSampleIsLeftOutAndReported) {
  ASSERT_OK_AND_ASSIGN(const SourcePtr source,
                       WithClasses(Labels({5, 1, -1, 0}), "label", {2, {}}, OnBadSample::kSkip));
  EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(1, 0)));
  EXPECT_EQ(source->skipped().count, 2);
  EXPECT_THAT(source->skipped().reasons,
              ElementsAre(StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sample 0: ")),
                          StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sample 2: "))));
  EXPECT_THAT(WithClasses(Labels({5}), "label", {2, {}}, OnBadSample::kSkip),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one sample of a class")));
}

TEST(ClassesTest, AreIntegerScalars) {
  EXPECT_THAT(WithClasses(testing::Numbers(3), "x", {}, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one integer a sample, got float32 [2]")));
  EXPECT_THAT(ReadScalars(*testing::Numbers(3), "y"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SkippedSamplesTest, KeepTheFirstReasonsOnly) {
  SkippedSamples skipped;
  for (int i = 0; i < 150; ++i) EXPECT_OK(skipped.Report(absl::InvalidArgumentError("bad"), OnBadSample::kSkip));
  EXPECT_EQ(skipped.count, 150);
  EXPECT_EQ(skipped.reasons.size(), 100u);
}

}  // namespace
}  // namespace beak::data
