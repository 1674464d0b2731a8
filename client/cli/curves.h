#pragma once

#include <string>
#include <vector>

#include "proto/beak/v1/train.pb.h"

// What charts of a training show, and the round numbers along their axes. Pure.
namespace beak::cli {

struct Point {
  double x = 0;
  double y = 0;
};

// A line of a chart; interrupted where a y is not finite.
struct Curve {
  std::string name;
  std::vector<Point> points;
};

// Over epochs, which are counted from 1. Curves without points are left out.
struct Curves {
  std::vector<Curve> loss;      // "training" and "held-out"
  std::vector<Curve> accuracy;  // likewise; empty where there are no classes
};
Curves CurvesOf(const v1::TrainJob& job);

// An axis from one multiple of a round number to another.
struct Axis {
  double low = 0;
  double high = 1;
  double step = 1;  // 1, 2 or 5 times a power of ten

  std::vector<double> Ticks() const;
  // With as many decimals as the step has.
  std::string Label(double tick) const;
  // Where a value is between low (0) and high (1).
  double Place(double value) const { return (value - low) / (high - low); }
};

// The axis with the most ticks, at most so many (3 or more), that holds all from `low` to `high`; steps are multiples
// of `least`.
Axis RoundAxis(double low, double high, int most_ticks, double least = 0);

// What is finite of the curves' values: {lowest, highest}; {0, 1} where nothing is.
struct Range {
  double low = 0;
  double high = 1;
};
Range RangeOfX(const std::vector<Curve>& curves);
Range RangeOfY(const std::vector<Curve>& curves);

}  // namespace beak::cli
