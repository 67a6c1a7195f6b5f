// SPDX-License-Identifier: Apache-2.0
//
// Which axes of an experiment vary, for tables and charts that name only these.
#pragma once

#include <string>
#include <vector>

#include "src/lab/results.h"

namespace fv::lab {

// The axes but the system, in the order of a cell's name.
enum class Axis : uint8_t { kSize, kTouch, kVmas, kDepth, kDirty };
inline constexpr Axis kAxes[] = {Axis::kSize, Axis::kTouch, Axis::kVmas, Axis::kDepth,
                                 Axis::kDirty};
const char* AxisName(Axis axis);  // "size", "touch", ...
// "64M", "write", "16", "0", "10 %".
std::string AxisValue(const Cell& cell, Axis axis);

// Those with more than one value among the cells.
std::vector<Axis> VaryingAxes(const std::vector<CellResult>& cells);

// "touch write, vmas 1": the values that all cells share.
std::string FixedAxes(const std::vector<CellResult>& cells);

// The varying values, "64M, dirty 10 %"; empty if none varies.
std::string Label(const Cell& cell, const std::vector<Axis>& axes);

}  // namespace fv::lab
