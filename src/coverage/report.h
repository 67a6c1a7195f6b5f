// SPDX-License-Identifier: Apache-2.0
//
// Lines of the guest kernel's source that programs reached. A line counts as often as the most
// visited block with code of it: the compiler spreads a line over blocks and puts lines together,
// so figures are as good as its line table is.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/coverage/kernel_blocks.h"
#include "src/coverage/line_table.h"
#include "src/coverage/unreachable.h"
#include "src/inspect/kernel_symbols.h"

namespace fv::coverage {

struct Function {
  std::string name;
  uint32_t line;
  uint64_t hits;
};

struct FileReport {
  std::map<uint32_t, uint64_t> lines;  // those with code: number -> hits
  std::vector<Function> functions;     // that have code of their own, by line
};

struct Share {
  uint64_t all = 0;
  uint64_t reached = 0;
  // 0 to 100.
  double Percent() const;
  std::string Text() const;  // "12 of 34 (35.3 %)"
};

struct Report {
  std::map<std::string, FileReport> files;  // by path
  Share blocks;
};

// `hits`: for each block, how many programs ran it. Blocks without code of a known line are counted
// in Report::blocks only. Lines of `unreachable` are left out.
Report MakeReport(const KernelBlocks& blocks, const LineTable& table,
                  const inspect::KernelSymbols& symbols, std::span<const uint64_t> hits,
                  const LineSets& unreachable = {});

Share LinesOf(const FileReport& file);
// Of the files below a folder: "guest/mm".
Share LinesBelow(const Report& report, std::string_view folder);
// All folders with code, in order.
std::vector<std::string> Folders(const Report& report);

}  // namespace fv::coverage
