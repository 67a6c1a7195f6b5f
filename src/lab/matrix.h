// SPDX-License-Identifier: Apache-2.0
//
// The matrix of an experiment: values for each axis, and the cells that are all their combinations.
// Linux has one way to fork, so its cells stand once for all strategies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/lab/cell.h"

namespace fv::lab {

// Reads a size with a unit. Of the caller, who knows the command line's.
using SizeParser = absl::StatusOr<uint64_t> (*)(std::string_view flag, std::string_view text);

struct Matrix {
  std::vector<std::string> strategies;
  std::vector<uint64_t> sizes;
  std::vector<bench::Touch> touches;
  std::vector<uint64_t> vmas;
  std::vector<uint64_t> depths;
  std::vector<uint64_t> dirty;
  bool native = true;

  // In the order in which a reader wants them: by size, and the systems side by side.
  std::vector<Cell> Cells() const;
};

// What an axis has when nobody chooses. `fixed`: the axis is not varied; `varied`: it is, and
// no values were given.
struct AxisDefaults {
  Matrix fixed;
  Matrix varied;
};

// Most values that may be forked, mapped or nested; beyond that a cell says nothing more.
inline constexpr uint64_t kMaxVmas = 10'000;
inline constexpr uint64_t kMaxDepth = 64;

// Sets axes by the text of --vary: "size:0+64M,strategy,depth:0+4". InvalidArgument names what is
// wrong. Strategies are not looked at: who starts the guest knows them.
absl::StatusOr<Matrix> ParseVary(std::string_view text, const AxisDefaults& defaults,
                                 SizeParser parse_size);

}  // namespace fv::lab
