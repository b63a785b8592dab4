// Plot: curves that a check draws to show what it found.
#pragma once

#include <string>
#include <vector>

namespace gradproof {

struct PlotCurve {
  std::string name;
  std::vector<double> x, y;  // y >= 0
};

struct Plot {
  std::string x_axis, y_axis;
  bool logarithmic = false;  // the x axis by factors, as the y axis is
  std::vector<PlotCurve> curves;
};

}  // namespace gradproof
