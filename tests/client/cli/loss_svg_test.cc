#include "client/cli/loss_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "engine/base/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::TrainJob Job(int epochs) {
  v1::TrainJob job;
  job.set_id("0123");
  job.set_state(v1::TrainJob::SUCCEEDED);
  job.mutable_spec()->set_model("mnist");
  for (int i = 0; i < epochs; ++i) {
    v1::EpochReport& epoch = *job.add_epoch();
    epoch.set_epoch(i);
    epoch.mutable_training()->set_loss(2.0 / (i + 1));
    epoch.mutable_training()->set_accuracy(1 - 0.5 / (i + 1));
    epoch.mutable_held_out()->set_loss(2.2 / (i + 1));
    epoch.mutable_held_out()->set_accuracy(1 - 0.6 / (i + 1));
  }
  return job;
}

int Count(const std::string& text, const std::string& what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// By Python's parser, which knows nothing of ours.
bool IsWellFormed(const std::string& svg) {
  const testing::TempDir dir;
  EXPECT_OK(WriteFileAtomically(dir / "a.svg", svg));
  return system(("python3 -c \"import sys, xml.dom.minidom as m; m.parse(sys.argv[1])\" " + (dir / "a.svg")).c_str()) ==
         0;
}

TEST(LossSvgTest, ShowsLossAndAccuracyOfBothSets) {
  const std::string svg = DrawSvg(Job(5));
  EXPECT_TRUE(IsWellFormed(svg));
  for (const char* text : {">Training of 'mnist'</text>", ">job 0123, succeeded</text>", ">loss</text>",
                           ">accuracy</text>", ">epoch</text>"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_EQ(Count(svg, ">training</text>"), 2) << "a legend for each plot";
  EXPECT_EQ(Count(svg, ">held-out</text>"), 2);
  EXPECT_EQ(Count(svg, "<path"), 4);
  EXPECT_EQ(Count(svg, "<circle"), 20);
  for (const char* tick : {">0.5<", ">1.0<", ">1.5<", ">2.0<", ">2.5<"}) EXPECT_THAT(svg, HasSubstr(tick));
}

TEST(LossSvgTest, CurvesAreWhereTheirNumbersAre) {
  v1::TrainJob job = Job(3);
  for (v1::EpochReport& epoch : *job.mutable_epoch()) {
    epoch.clear_held_out();
    epoch.mutable_training()->clear_accuracy();
  }
  // Losses 2, 1, 2/3 on an axis from 0.5 to 2 of 230 pixels, below 110; epochs 1 to 3 on 750 pixels, right of 80.
  EXPECT_THAT(DrawSvg(job), HasSubstr(R"(<path d="M80.0 110.0L455.0 263.3L830.0 314.4")"));
}

TEST(LossSvgTest, NeedsNothingElseAndRunsNothing) {
  const std::string svg = DrawSvg(Job(5));
  EXPECT_THAT(svg, Not(HasSubstr("script")));
  EXPECT_THAT(svg, Not(HasSubstr("href")));
  EXPECT_EQ(Count(svg, "http"), 1) << "the namespace";
}

TEST(LossSvgTest, IsWellFormedWhateverAJobIsCalled) {
  v1::TrainJob job = Job(2);
  job.mutable_spec()->set_model("<script>alert('\"&\")</script>\x01\x1b[31m\n]]>\xc2\x85\xc3\xa4");
  job.set_id("--><x>");
  const std::string svg = DrawSvg(job);
  EXPECT_TRUE(IsWellFormed(svg));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
}

TEST(LossSvgTest, ManyEpochsHaveNoDots) {
  const std::string svg = DrawSvg(Job(1000));
  EXPECT_TRUE(IsWellFormed(svg));
  EXPECT_EQ(Count(svg, "<circle"), 0);
}

TEST(LossSvgTest, OneEpochAndNoneAreDrawn) {
  EXPECT_TRUE(IsWellFormed(DrawSvg(Job(1))));
  EXPECT_TRUE(IsWellFormed(DrawSvg(Job(0))));
}

TEST(LossSvgTest, NumbersThatAreNotFiniteAreLeftOut) {
  v1::TrainJob job = Job(5);
  job.mutable_epoch(2)->mutable_training()->set_loss(std::nan(""));
  job.mutable_epoch(3)->mutable_held_out()->set_loss(HUGE_VAL);
  const std::string svg = DrawSvg(job);
  EXPECT_TRUE(IsWellFormed(svg));
  EXPECT_EQ(Count(svg, "<circle"), 18);
  EXPECT_FALSE(absl::StrContains(svg, "nan") || absl::StrContains(svg, "inf"));
  for (v1::EpochReport& epoch : *job.mutable_epoch()) epoch.mutable_training()->set_loss(std::nan(""));
  EXPECT_TRUE(IsWellFormed(DrawSvg(job)));
}

TEST(LossSvgTest, WithoutClassesThereIsNoAccuracy) {
  v1::TrainJob job = Job(5);
  for (v1::EpochReport& epoch : *job.mutable_epoch()) {
    epoch.mutable_training()->clear_accuracy();
    epoch.mutable_held_out()->clear_accuracy();
  }
  EXPECT_THAT(DrawSvg(job), Not(HasSubstr("accuracy")));
}

}  // namespace
}  // namespace beak::cli
