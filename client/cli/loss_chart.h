#pragma once

#include <string>
#include <vector>

#include "client/cli/curves.h"

namespace beak::cli {

// How a chart is drawn in a terminal.
struct ChartStyle {
  int columns = 76;   // of all charts together, at most
  int rows = 9;       // of the plot
  bool utf8 = false;  // with Braille dots, else with ASCII alone
};

// The curves of losses and accuracies beside each other, lines end with "\n": of the held-out data, where there is none
// of the training data. "" where there is no line to draw. Pure.
std::string DrawCharts(const Curves& curves, const ChartStyle& style);

}  // namespace beak::cli
