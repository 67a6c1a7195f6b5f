// SPDX-License-Identifier: Apache-2.0
//
// See report.h.
#include "src/coverage/report.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"

namespace fv::coverage {
namespace {

struct VisitedBlock {
  uint64_t address;
  uint64_t hits;
  bool begins_function;
};

std::vector<VisitedBlock> ByAddress(const KernelBlocks& blocks, std::span<const uint64_t> hits) {
  std::vector<VisitedBlock> sorted;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block& block = blocks.blocks()[i];
    sorted.push_back({block.address, i < hits.size() ? hits[i] : 0, block.begins_function});
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const VisitedBlock& a, const VisitedBlock& b) { return a.address < b.address; });
  return sorted;
}

void AddLine(FileReport& file, uint32_t line, uint64_t hits) {
  uint64_t& all = file.lines[line];
  all = std::max(all, hits);
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

double Share::Percent() const {
  return all == 0 ? 0 : 100.0 * static_cast<double>(reached) / static_cast<double>(all);
}

std::string Share::Text() const {
  return absl::StrFormat("%d of %d (%.1f %%)", reached, all, Percent());
}

Report MakeReport(const KernelBlocks& blocks, const LineTable& table,
                  const inspect::KernelSymbols& symbols, std::span<const uint64_t> hits,
                  const LineSets& unreachable) {
  Report report;
  const std::vector<VisitedBlock> sorted = ByAddress(blocks, hits);
  for (const VisitedBlock& block : sorted) {
    ++report.blocks.all;
    report.blocks.reached += block.hits != 0 ? 1 : 0;
  }
  // Rows and blocks both ascend: `block` is the first one behind the row's begin.
  auto block = sorted.begin();
  for (const LineRow& row : table.rows) {
    while (block != sorted.end() && block->address <= row.begin) ++block;
    if (block == sorted.begin()) continue;
    // Code of a function that does not count stands behind blocks of another one.
    const VisitedBlock& around = *std::prev(block);
    if (symbols.Start(around.address) != symbols.Start(row.begin)) continue;
    FileReport& file = report.files[table.files[row.file]];
    AddLine(file, row.line, around.hits);
    for (auto inside = block; inside != sorted.end() && inside->address < row.end; ++inside) {
      AddLine(file, row.line, inside->hits);
    }
    if (around.begins_function && around.address == row.begin) {
      file.functions.push_back({symbols.Function(row.begin), row.line, around.hits});
    }
  }
  for (const auto& [path, lines] : unreachable) {
    const auto file = report.files.find(path);
    if (file == report.files.end()) continue;
    for (const uint32_t line : lines) file->second.lines.erase(line);
  }
  for (auto& [path, file] : report.files) {
    std::stable_sort(file.functions.begin(), file.functions.end(),
                     [](const Function& a, const Function& b) { return a.line < b.line; });
  }
  return report;
}

Share LinesOf(const FileReport& file) {
  Share share;
  for (const auto& [line, hits] : file.lines) {
    ++share.all;
    share.reached += hits != 0 ? 1 : 0;
  }
  return share;
}

Share LinesBelow(const Report& report, std::string_view folder) {
  Share share;
  for (const auto& [path, file] : report.files) {
    if (FolderOf(path) != folder) continue;
    const Share lines = LinesOf(file);
    share.all += lines.all;
    share.reached += lines.reached;
  }
  return share;
}

std::vector<std::string> Folders(const Report& report) {
  std::set<std::string> folders;
  for (const auto& [path, file] : report.files) folders.insert(FolderOf(path));
  return {folders.begin(), folders.end()};
}

}  // namespace fv::coverage
