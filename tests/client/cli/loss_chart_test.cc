#include "client/cli/loss_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace beak::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Five epochs: losses 2, 1, 0.5, 0.25, 0.125, accuracies 0.5, 0.75, ...
v1::TrainJob Job() {
  v1::TrainJob job;
  double loss = 2;
  for (int i = 0; i < 5; ++i, loss /= 2) {
    v1::EpochReport& epoch = *job.add_epoch();
    epoch.set_epoch(i);
    epoch.mutable_training()->set_loss(loss + 1);
    epoch.mutable_held_out()->set_loss(loss);
    epoch.mutable_held_out()->set_accuracy(1 - loss / 4);
  }
  return job;
}

TEST(LossChartTest, IsDrawnWithBrailleDots) {
  EXPECT_EQ(absl::StrCat("\n", DrawCharts(CurvesOf(Job()), {.columns = 64, .rows = 5, .utf8 = true})), R"(
   held-out loss                       held-out accuracy
2 │⠑⠢⣀                            1.0 │               ⢀⣀⣀⡠⠤⠤⠤⠤⠒⠒
  │   ⠑⢢⡀                             │         ⣀⡠⠔⠒⠉⠉⠁
1 │     ⠈⠢⠤⣀⡀                         │     ⡠⠔⠊⠉
  │         ⠈⠉⠒⠢⠤⣀⣀⣀                  │  ⢀⡠⠋
0 │                 ⠉⠉⠉⠒⠒⠒⠒⠒⠤⠤    0.5 │⡠⠔⠁
  └───────────────────────────        └─────────────────────────
   1                   epoch 5         1                 epoch 5
)");
}

TEST(LossChartTest, IsDrawnWithAsciiAlone) {
  EXPECT_EQ(absl::StrCat("\n", DrawCharts(CurvesOf(Job()), {.columns = 64, .rows = 9, .utf8 = false})), R"(
     held-out loss                     held-out accuracy
2.0 |*                            1.0 |                       **
    | **                              |              *********
1.5 |   *                             |          ****
    |    **                       0.8 |      ****
1.0 |      **                         |    **
    |        ***                  0.6 |   *
0.5 |           ****                  | **
    |               *********         |*
0.0 |                        *    0.4 |
    +-------------------------        +-------------------------
     1                 epoch 5         1                 epoch 5
)");
}

TEST(LossChartTest, OneEpochIsNoLine) {
  v1::TrainJob job;
  job.add_epoch()->mutable_held_out()->set_loss(1.5);
  EXPECT_EQ(DrawCharts(CurvesOf(job), ChartStyle()), "");
}

TEST(LossChartTest, ALineIsInterruptedWhereALossIsNotFinite) {
  v1::TrainJob job = Job();
  job.mutable_epoch(2)->mutable_held_out()->set_loss(std::nan(""));
  for (v1::EpochReport& epoch : *job.mutable_epoch()) epoch.mutable_held_out()->clear_accuracy();
  EXPECT_EQ(absl::StrCat("\n", DrawCharts(CurvesOf(job), {.columns = 30, .rows = 5, .utf8 = false})), R"(
   held-out loss
2 |**
  |  ****
1 |      **
  |
0 |                    *******
  +---------------------------
   1                   epoch 5
)");
}

TEST(LossChartTest, WithoutHeldOutDataItIsTheTrainings) {
  v1::TrainJob job = Job();
  for (v1::EpochReport& epoch : *job.mutable_epoch()) epoch.clear_held_out();
  const std::string text = DrawCharts(CurvesOf(job), ChartStyle());
  EXPECT_THAT(text, HasSubstr("training loss"));
  EXPECT_THAT(text, Not(HasSubstr("accuracy")));
}

TEST(LossChartTest, NothingIsNothing) { EXPECT_EQ(DrawCharts(Curves(), ChartStyle()), ""); }

TEST(LossChartTest, IsNoWiderThanItMayBe) {
  for (const int columns : {60, 79, 120, 300}) {
    std::istringstream lines(DrawCharts(CurvesOf(Job()), {.columns = columns, .rows = 9, .utf8 = false}));
    std::string line;
    while (std::getline(lines, line)) EXPECT_LE(line.size(), static_cast<size_t>(columns)) << line;
  }
}

TEST(LossChartTest, StrangeStylesDoNoHarm) {
  for (const bool utf8 : {false, true}) {
    for (const int columns : {-5, 0, 1, 20, 100'000}) {
      for (const int rows : {1, 2}) {
        EXPECT_THAT(DrawCharts(CurvesOf(Job()), {columns, rows, utf8}), HasSubstr("held-out loss"));
      }
    }
  }
}

}  // namespace
}  // namespace beak::cli
