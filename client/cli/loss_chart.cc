#include "client/cli/loss_chart.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace beak::cli {
namespace {

// A character each; longer than the bytes of no string of ours that is not ASCII.
using Line = std::u32string;
using Lines = std::vector<Line>;

constexpr int kGap = 4;  // between charts
// Of one chart.
constexpr int kLeastColumns = 24;
constexpr int kMostColumns = 60;

Line Ascii(const std::string& text) { return Line(text.begin(), text.end()); }

std::string ToUtf8(const Line& line) {
  std::string text;
  for (const char32_t c : line) {
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else {  // box drawing and Braille: U+0800 to U+FFFF
      text += static_cast<char>(0xe0 | (c >> 12));
      text += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
      text += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  return text;
}

// Dots in character cells: 2 x 4 in each as Braille has them, or one.
class Canvas {
 public:
  Canvas(int columns, int rows, bool utf8)
      : utf8_(utf8),
        width_(columns * (utf8 ? 2 : 1)),
        height_(rows * (utf8 ? 4 : 1)),
        lines_(static_cast<size_t>(rows), Line(static_cast<size_t>(columns), U' ')) {}

  // From the left and from the bottom, both between 0 and 1.
  void DrawLine(double x0, double y0, double x1, double y1) {
    const double column0 = x0 * (width_ - 1), row0 = (1 - y0) * (height_ - 1);
    const double columns = x1 * (width_ - 1) - column0, rows = (1 - y1) * (height_ - 1) - row0;
    const int steps = std::max(1, static_cast<int>(std::ceil(std::max(std::abs(columns), std::abs(rows)))));
    for (int i = 0; i <= steps; ++i) {
      const double part = static_cast<double>(i) / steps;
      Dot(static_cast<int>(std::lround(column0 + part * columns)), static_cast<int>(std::lround(row0 + part * rows)));
    }
  }
  const Lines& lines() const { return lines_; }

 private:
  void Dot(int x, int y) {
    if (x < 0 || x >= width_ || y < 0 || y >= height_) return;
    if (!utf8_) {
      lines_[static_cast<size_t>(y)][static_cast<size_t>(x)] = U'*';
      return;
    }
    // Unicode 15, section 21.1: dots 1-3 and 4-6 are the columns' upper three, 7 and 8 the lowest row.
    constexpr char32_t kDots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    char32_t& cell = lines_[static_cast<size_t>(y / 4)][static_cast<size_t>(x / 2)];
    if (cell == U' ') cell = 0x2800;
    cell |= kDots[y % 4][x % 2];
  }

  const bool utf8_;
  const int width_;  // in dots
  const int height_;
  Lines lines_;
};

void DrawCurve(const Curve& curve, const Axis& x, const Axis& y, Canvas& canvas) {
  const Point* before = nullptr;
  for (const Point& point : curve.points) {
    if (!std::isfinite(point.y)) {
      before = nullptr;
      continue;
    }
    const Point& from = before != nullptr ? *before : point;
    canvas.DrawLine(x.Place(from.x), y.Place(from.y), x.Place(point.x), y.Place(point.y));
    before = &point;
  }
}

// The numbers of the epochs at both ends, below an axis.
Lines BelowPlot(const Axis& x, int margin, int columns, bool utf8) {
  Line axis(static_cast<size_t>(margin), U' ');
  axis += utf8 ? U'\u2514' : U'+';
  axis += Line(static_cast<size_t>(columns), utf8 ? U'\u2500' : U'-');
  const std::string low = x.Label(x.low), high = "epoch " + x.Label(x.high);
  Line numbers(static_cast<size_t>(margin + 1), U' ');
  numbers += Ascii(low);
  const auto width = static_cast<size_t>(margin + 1 + columns);
  if (numbers.size() + 1 + high.size() <= width) {
    numbers.resize(width - high.size(), U' ');
    numbers += Ascii(high);
  }
  numbers.resize(axis.size(), U' ');
  return {axis, numbers};
}

// All lines are so many columns long.
Lines DrawChart(const std::string& title, const Curve& curve, int columns, const ChartStyle& style) {
  const Range xs = RangeOfX({curve}), ys = RangeOfY({curve});
  // From the first epoch to the last, whatever these are.
  const Axis x = {xs.low, std::max(xs.high, xs.low + 1), 1};
  const Axis y = RoundAxis(ys.low, ys.high, std::max(2, style.rows / 2 + 1));
  size_t margin = 0;
  for (const double tick : y.Ticks()) margin = std::max(margin, y.Label(tick).size());
  margin += 1;
  const int plot = std::max(1, columns - static_cast<int>(margin) - 1);

  Canvas canvas(plot, style.rows, style.utf8);
  DrawCurve(curve, x, y, canvas);
  Lines labels(static_cast<size_t>(style.rows), Line(margin, U' '));
  for (const double tick : y.Ticks()) {
    const std::string label = y.Label(tick);
    const auto row = static_cast<size_t>(std::lround((1 - y.Place(tick)) * (style.rows - 1)));
    labels[row] = Line(margin - 1 - label.size(), U' ') + Ascii(label) + U' ';
  }
  Lines lines = {Line(margin + 1, U' ') + Ascii(title)};
  for (size_t row = 0; row < labels.size(); ++row) {
    lines.push_back(labels[row] + (style.utf8 ? U'\u2502' : U'|') + canvas.lines()[row]);
  }
  for (Line& line : BelowPlot(x, static_cast<int>(margin), plot, style.utf8)) lines.push_back(std::move(line));
  for (Line& line : lines) line.resize(static_cast<size_t>(columns), U' ');
  return lines;
}

}  // namespace

std::string DrawCharts(const Curves& curves, const ChartStyle& style) {
  struct Chart {
    const char* what;
    const std::vector<Curve>& curves;
  };
  std::vector<Chart> charts;
  for (const Chart& chart : {Chart{"loss", curves.loss}, Chart{"accuracy", curves.accuracy}}) {
    if (!chart.curves.empty() && chart.curves.back().points.size() > 1) charts.push_back(chart);
  }
  if (charts.empty()) return "";
  const int all = style.columns - kGap * (static_cast<int>(charts.size()) - 1);
  const int columns = std::clamp(all / static_cast<int>(charts.size()), kLeastColumns, kMostColumns);
  Lines lines;
  for (const Chart& chart : charts) {
    const Curve& curve = chart.curves.back();
    const Lines drawn = DrawChart(curve.name + " " + chart.what, curve, columns, style);
    lines.resize(drawn.size());
    for (size_t i = 0; i < drawn.size(); ++i) {
      if (!lines[i].empty()) lines[i] += Line(kGap, U' ');
      lines[i] += drawn[i];
    }
  }
  std::string text;
  for (Line& line : lines) {
    line.erase(line.find_last_not_of(U' ') + 1);
    text += ToUtf8(line) + "\n";
  }
  return text;
}

}  // namespace beak::cli
