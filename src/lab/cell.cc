// SPDX-License-Identifier: Apache-2.0
#include "src/lab/cell.h"

#include "absl/strings/str_cat.h"

namespace fv::lab {

std::string CellName(const Cell& cell) {
  return absl::StrCat(cell.system, "/size:", cell.size, "/touch:", bench::TouchName(cell.touch),
                      "/vmas:", cell.vmas, "/depth:", cell.depth, "/dirty:", cell.dirty);
}

std::vector<std::string> ProgramArguments(const Cell& cell, uint64_t cycles, uint64_t again) {
  std::vector<std::string> words = {
      absl::StrCat("--size=", cell.size),   absl::StrCat("--touch=", bench::TouchName(cell.touch)),
      absl::StrCat("--vmas=", cell.vmas),   absl::StrCat("--depth=", cell.depth),
      absl::StrCat("--dirty=", cell.dirty), absl::StrCat("--cycles=", cycles),
      absl::StrCat("--again=", again)};
  if (cell.system == kNativeHuge) words.push_back("--thp");
  return words;
}

uint64_t RamFor(const Cell& cell, proto::ForkMemory strategy) {
  constexpr uint64_t kSmall = uint64_t{96} << 20;
  // Parent and child of the fork that is measured both write.
  const uint64_t percent =
      strategy == proto::ForkMemory::kCopies ? 100 * (cell.depth + 2) : 100 + 2 * cell.dirty;
  // Page tables, and a page for each mapping's own record, come to less than a sixteenth.
  const uint64_t pages = cell.size / 100 * percent;
  return pages + (cell.depth + 2) * (cell.size / 16) + cell.vmas * 4096 + kSmall;
}

}  // namespace fv::lab
