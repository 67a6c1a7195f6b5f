// SPDX-License-Identifier: Apache-2.0
//
// See line_table.h.
#include "src/coverage/line_table.h"

#include <elfutils/libdw.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace fv::coverage {
namespace {

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
struct EndDwarf {
  void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};

// The compiler was told of paths in its sandbox, some of them absolute. Empty for files that are
// not of the source tree, but of the compiler.
std::string RelativePath(std::string_view path) {
  for (const std::string folder : {"guest/", "proto/"}) {
    if (path.starts_with(folder)) return std::string(path);
    const size_t at = path.find("/" + folder);
    if (at != std::string_view::npos) return std::string(path.substr(at + 1));
  }
  return "";
}

class Reader {
 public:
  void AddUnit(Dwarf_Die& unit) {
    Dwarf_Lines* lines = nullptr;
    size_t count = 0;
    if (dwarf_getsrclines(&unit, &lines, &count) != 0) return;
    for (size_t i = 0; i + 1 < count; ++i) {
      AddRow(dwarf_onesrcline(lines, i), dwarf_onesrcline(lines, i + 1));
    }
  }

  LineTable Finish() {
    std::sort(table_.rows.begin(), table_.rows.end(),
              [](const LineRow& a, const LineRow& b) { return a.begin < b.begin; });
    return std::move(table_);
  }

 private:
  void AddRow(Dwarf_Line* row, Dwarf_Line* next) {
    Dwarf_Addr begin = 0;
    Dwarf_Addr end = 0;
    int line = 0;
    bool statement = false;
    bool ends_sequence = false;
    if (dwarf_lineaddr(row, &begin) != 0 || dwarf_lineaddr(next, &end) != 0 ||
        dwarf_lineno(row, &line) != 0 || dwarf_linebeginstatement(row, &statement) != 0 ||
        dwarf_lineendsequence(row, &ends_sequence) != 0) {
      return;
    }
    const char* source = dwarf_linesrc(row, nullptr, nullptr);
    if (ends_sequence || !statement || line <= 0 || begin >= end || source == nullptr) return;
    const std::string path = RelativePath(source);
    if (path.empty()) return;
    table_.rows.push_back({begin, end, FileIndex(path), static_cast<uint32_t>(line)});
  }

  uint32_t FileIndex(const std::string& path) {
    const auto [known, is_new] =
        indices_.try_emplace(path, static_cast<uint32_t>(table_.files.size()));
    if (is_new) table_.files.push_back(path);
    return known->second;
  }

  LineTable table_;
  std::map<std::string, uint32_t> indices_;
};

absl::Status Refuse() {
  return absl::InvalidArgumentError(
      absl::StrCat("the kernel's debug information: ", dwarf_errmsg(-1)));
}

}  // namespace

absl::StatusOr<LineTable> ReadLineTable(std::span<const uint8_t> kernel) {
  elf_version(EV_CURRENT);
  // libelf reads only: the type has no const.
  auto* image = reinterpret_cast<char*>(const_cast<uint8_t*>(kernel.data()));
  const std::unique_ptr<Elf, EndElf> elf(elf_memory(image, kernel.size()));
  if (elf == nullptr) return Refuse();
  const std::unique_ptr<Dwarf, EndDwarf> dwarf(dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr));
  if (dwarf == nullptr) return Refuse();
  Reader reader;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf.get(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    reader.AddUnit(die);
  }
  return reader.Finish();
}

}  // namespace fv::coverage
