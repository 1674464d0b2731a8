#include "client/cli/loss_svg.h"

#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/curves.h"
#include "client/cli/train_report.h"

namespace beak::cli {
namespace {

// In pixels.
constexpr double kWidth = 860;
constexpr double kTitleHeight = 70;
constexpr double kPanelHeight = 320;
constexpr double kPlotHeight = 230;
constexpr double kLeft = 80, kRight = 30;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kPlotTop = 40;   // of a panel
constexpr size_t kMostDots = 40;  // more are a smear
constexpr int kTicksX = 11, kTicksY = 7;

// Okabe and Ito's blue and vermilion, which everybody can tell apart.
constexpr const char* kTrainingColour = "#0072b2";
constexpr const char* kHeldOutColour = "#d55e00";

std::string XmlEscaped(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

void AddText(std::string& svg, double x, double y, const char* anchor, const std::string& text,
             const std::string& more = "") {
  absl::StrAppendFormat(&svg,
                        R"(<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>)"
                        "\n",
                        x, y, anchor, more, XmlEscaped(text));
}

void AddLine(std::string& svg, double x0, double y0, double x1, double y1, const char* colour) {
  absl::StrAppendFormat(&svg,
                        R"(<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>)"
                        "\n",
                        x0, y0, x1, y1, colour);
}

// One plot: its place, its axes and what is drawn on them.
class Panel {
 public:
  Panel(std::string& svg, double top, const Axis& x, const Axis& y) : svg_(svg), top_(top + kPlotTop), x_(x), y_(y) {}

  void DrawAxes(const std::string& name) {
    for (const double tick : y_.Ticks()) {
      AddLine(svg_, kLeft, Y(tick), kLeft + kPlotWidth, Y(tick), "#dddddd");
      AddText(svg_, kLeft - 10, Y(tick) + 4, "end", y_.Label(tick));
    }
    const double bottom = top_ + kPlotHeight;
    for (const double tick : x_.Ticks()) {
      AddLine(svg_, X(tick), bottom, X(tick), bottom + 5, "#333333");
      AddText(svg_, X(tick), bottom + 20, "middle", x_.Label(tick));
    }
    AddLine(svg_, kLeft, bottom, kLeft + kPlotWidth, bottom, "#333333");
    AddLine(svg_, kLeft, top_, kLeft, bottom, "#333333");
    AddText(svg_, kLeft + kPlotWidth / 2, bottom + 38, "middle", "epoch");
    AddText(svg_, kLeft, top_ - 14, "start", name, R"( font-weight="bold")");
  }

  // `index`: how many curves have been drawn.
  void DrawCurve(const Curve& curve, int index) {
    const char* colour = curve.name == "training" ? kTrainingColour : kHeldOutColour;
    std::string path;
    bool drawing = false;
    for (const Point& point : curve.points) {
      if (std::isfinite(point.y)) {
        absl::StrAppendFormat(&path, "%s%.1f %.1f", drawing ? "L" : "M", X(point.x), Y(point.y));
      }
      drawing = std::isfinite(point.y);
    }
    absl::StrAppendFormat(&svg_,
                          R"(<path d="%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"/>)"
                          "\n",
                          path, colour);
    if (curve.points.size() <= kMostDots) DrawDots(curve, colour);
    DrawLegend(curve.name, colour, index);
  }

 private:
  double X(double value) const { return kLeft + kPlotWidth * x_.Place(value); }
  double Y(double value) const { return top_ + kPlotHeight * (1 - y_.Place(value)); }

  void DrawDots(const Curve& curve, const char* colour) {
    for (const Point& point : curve.points) {
      if (!std::isfinite(point.y)) continue;
      absl::StrAppendFormat(&svg_,
                            R"(<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>epoch %.0f: %.5g</title></circle>)"
                            "\n",
                            X(point.x), Y(point.y), colour, point.x, point.y);
    }
  }

  // Above the plot, from the right.
  void DrawLegend(const std::string& name, const char* colour, int index) {
    const double x = kLeft + kPlotWidth - 220 + 120 * index, y = top_ - 18;
    absl::StrAppendFormat(&svg_,
                          R"(<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="3"/>)"
                          "\n",
                          x, y, x + 24, y, colour);
    AddText(svg_, x + 32, y + 4, "start", name);
  }

  std::string& svg_;
  const double top_;  // of the plot
  const Axis x_;
  const Axis y_;
};

void DrawPanel(std::string& svg, double top, const std::string& name, const std::vector<Curve>& curves) {
  const Range xs = RangeOfX(curves), ys = RangeOfY(curves);
  Axis x = RoundAxis(xs.low, xs.high, kTicksX, 1);
  Panel panel(svg, top, x, RoundAxis(ys.low, ys.high, kTicksY));
  panel.DrawAxes(name);
  int index = 2 - static_cast<int>(curves.size());
  for (const Curve& curve : curves) panel.DrawCurve(curve, index++);
}

}  // namespace

std::string DrawSvg(const v1::TrainJob& job) {
  const Curves curves = CurvesOf(job);
  const int panels = 1 + (curves.accuracy.empty() ? 0 : 1);
  const double height = kTitleHeight + panels * kPanelHeight;
  std::string svg =
      absl::StrFormat(R"(<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" )"
                      R"(role="img" font-family="sans-serif" font-size="13" fill="#333333">)"
                      "\n",
                      kWidth, height, kWidth, height);
  const std::string title = absl::StrCat("Training of '", job.spec().model(), "'");
  absl::StrAppend(&svg, "<title>", XmlEscaped(title), "</title>\n");
  absl::StrAppend(&svg, R"(<rect width="100%" height="100%" fill="#ffffff"/>)", "\n");
  AddText(svg, kLeft, 34, "start", title, R"( font-size="20" font-weight="bold")");
  AddText(svg, kLeft, 56, "start", absl::StrCat("job ", job.id(), ", ", StateText(job)));
  DrawPanel(svg, kTitleHeight, "loss", curves.loss);
  if (!curves.accuracy.empty()) DrawPanel(svg, kTitleHeight + kPanelHeight, "accuracy", curves.accuracy);
  absl::StrAppend(&svg, "</svg>\n");
  return svg;
}

}  // namespace beak::cli
