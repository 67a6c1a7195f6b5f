// SPDX-License-Identifier: Apache-2.0
//
// The figures of a report: which charts an experiment calls for, each with its data as a table.
#pragma once

#include <string>
#include <vector>

#include "src/lab/results.h"

namespace fv::lab::report {

struct DataTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

struct Figure {
  std::string title;
  std::string caption;
  std::string svg;  // empty: the table is the figure
  DataTable table;
};

// Latency over each axis that varies, with intervals.
std::vector<Figure> LatencyFigures(const LabResults& results);
// Each guest beside this Linux.
std::vector<Figure> RatioFigures(const LabResults& results);
// Percentiles of the fork call.
std::vector<Figure> DistributionFigures(const LabResults& results);
// Phases in the guest kernel; the call and the writes after it; counts.
std::vector<Figure> CostFigures(const LabResults& results);
// All ways to make a process.
std::vector<Figure> WaysFigures(const LabResults& results);

}  // namespace fv::lab::report
