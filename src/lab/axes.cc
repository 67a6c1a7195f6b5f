// SPDX-License-Identifier: Apache-2.0
#include "src/lab/axes.h"

#include <set>

#include "absl/strings/str_cat.h"

namespace fv::lab {
namespace {

std::set<std::string> Values(const std::vector<CellResult>& cells, Axis axis) {
  std::set<std::string> values;
  for (const CellResult& cell : cells) values.insert(AxisValue(cell.cell, axis));
  return values;
}

}  // namespace

const char* AxisName(Axis axis) {
  switch (axis) {
    case Axis::kSize:
      return "size";
    case Axis::kTouch:
      return "touch";
    case Axis::kVmas:
      return "vmas";
    case Axis::kDepth:
      return "depth";
    case Axis::kDirty:
      return "dirty";
  }
  return "?";
}

std::string AxisValue(const Cell& cell, Axis axis) {
  switch (axis) {
    case Axis::kSize:
      return bench::FormatBytes(cell.size);
    case Axis::kTouch:
      return bench::TouchName(cell.touch);
    case Axis::kVmas:
      return absl::StrCat(cell.vmas);
    case Axis::kDepth:
      return absl::StrCat(cell.depth);
    case Axis::kDirty:
      return absl::StrCat(cell.dirty, " %");
  }
  return "?";
}

std::vector<Axis> VaryingAxes(const std::vector<CellResult>& cells) {
  std::vector<Axis> varying;
  for (Axis axis : kAxes) {
    if (Values(cells, axis).size() > 1) varying.push_back(axis);
  }
  return varying;
}

std::string FixedAxes(const std::vector<CellResult>& cells) {
  std::string text;
  for (Axis axis : kAxes) {
    const std::set<std::string> values = Values(cells, axis);
    if (values.size() != 1) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ", AxisName(axis), " ", *values.begin());
  }
  return text;
}

std::string Label(const Cell& cell, const std::vector<Axis>& axes) {
  std::string text;
  for (Axis axis : axes) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", axis == Axis::kSize ? "" : AxisName(axis),
                    axis == Axis::kSize ? "" : " ", AxisValue(cell, axis));
  }
  return text;
}

}  // namespace fv::lab
