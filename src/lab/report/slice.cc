// SPDX-License-Identifier: Apache-2.0
#include "src/lab/report/slice.h"

#include <algorithm>

namespace fv::lab::report {
namespace {

bool SameBut(const Cell& a, const Cell& b, Axis axis) {
  return std::all_of(std::begin(kAxes), std::end(kAxes), [&](Axis other) {
    return other == axis || AxisValue(a, other) == AxisValue(b, other);
  });
}

}  // namespace

std::vector<std::string> Systems(const std::vector<CellResult>& cells) {
  std::vector<std::string> systems;
  for (const CellResult& cell : cells) {
    if (std::find(systems.begin(), systems.end(), cell.cell.system) == systems.end()) {
      systems.push_back(cell.cell.system);
    }
  }
  return systems;
}

Slice SliceAlong(const std::vector<CellResult>& cells, Axis axis) {
  Slice slice;
  if (cells.empty()) return slice;
  Cell base = cells.front().cell;
  for (const CellResult& cell : cells) base.size = std::max(base.size, cell.cell.size);
  for (const CellResult& cell : cells) {
    if (SameBut(cell.cell, base, axis)) slice.cells.push_back(&cell);
  }
  std::vector<Axis> others = VaryingAxes(cells);
  others.erase(std::remove(others.begin(), others.end(), axis), others.end());
  slice.fixed = Label(base, others);
  return slice;
}

std::vector<Group> Groups(const std::vector<CellResult>& cells) {
  const std::vector<Axis> axes = VaryingAxes(cells);
  std::vector<Group> groups;
  for (const CellResult& cell : cells) {
    const std::string label = axes.empty() ? "all" : Label(cell.cell, axes);
    const auto found = std::find_if(groups.begin(), groups.end(),
                                    [&](const Group& group) { return group.label == label; });
    Group& group = found == groups.end() ? groups.emplace_back(Group{label, {}}) : *found;
    group.cells.push_back(&cell);
  }
  return groups;
}

std::vector<Group> LargestGroups(const std::vector<CellResult>& cells, size_t most) {
  std::vector<Group> groups = Groups(cells);
  if (groups.size() > most)
    groups.erase(groups.begin(), groups.end() - static_cast<ptrdiff_t>(most));
  return groups;
}

double AxisNumber(const Cell& cell, Axis axis) {
  switch (axis) {
    case Axis::kSize:
      return static_cast<double>(cell.size);
    case Axis::kTouch:
      return static_cast<double>(cell.touch);
    case Axis::kVmas:
      return static_cast<double>(cell.vmas);
    case Axis::kDepth:
      return static_cast<double>(cell.depth);
    case Axis::kDirty:
      return static_cast<double>(cell.dirty);
  }
  return 0;
}

}  // namespace fv::lab::report
