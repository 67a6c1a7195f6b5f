// SPDX-License-Identifier: Apache-2.0
//
// Parts of a matrix that fit into one chart.
#pragma once

#include <string>
#include <vector>

#include "src/lab/axes.h"
#include "src/lab/results.h"

namespace fv::lab::report {

// Systems in the order of their first cell. A system has the same look in every chart: its place.
std::vector<std::string> Systems(const std::vector<CellResult>& cells);

// Cells that agree in all axes but one.
struct Slice {
  std::vector<const CellResult*> cells;
  std::string fixed;  // the values of the other varying axes: "depth 0, dirty 1 %"
};
// Along `axis`, of the largest size and the first values of the others.
Slice SliceAlong(const std::vector<CellResult>& cells, Axis axis);

// Cells that differ in the system only.
struct Group {
  std::string label;  // of the varying axes; "all" if none varies
  std::vector<const CellResult*> cells;
};
std::vector<Group> Groups(const std::vector<CellResult>& cells);
// At most `most` of them, the last ones, which have the largest sizes.
std::vector<Group> LargestGroups(const std::vector<CellResult>& cells, size_t most);

// A number on the axis.
double AxisNumber(const Cell& cell, Axis axis);

}  // namespace fv::lab::report
