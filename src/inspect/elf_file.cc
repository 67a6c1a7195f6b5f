// SPDX-License-Identifier: Apache-2.0
//
// See elf_file.h.
#include "src/inspect/elf_file.h"

namespace fv::inspect {

std::string StringAt(std::span<const uint8_t> file, uint64_t offset) {
  if (offset >= file.size()) return "";
  const char* start = reinterpret_cast<const char*>(file.data() + offset);
  return {start, strnlen(start, file.size() - offset)};
}

SectionTable ReadSections(std::span<const uint8_t> file) {
  SectionTable table;
  const auto header = CopyAt<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return table;
  if (header->e_shoff > file.size()) return table;
  for (uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto section = CopyAt<Elf64_Shdr>(file, header->e_shoff + i * sizeof(Elf64_Shdr));
    if (!section) break;
    table.sections.push_back(*section);
  }
  for (Elf64_Shdr& section : table.sections) {
    if (section.sh_link >= table.sections.size()) section.sh_link = SHN_UNDEF;
  }
  if (header->e_shstrndx < table.sections.size()) {
    table.names = table.sections[header->e_shstrndx].sh_offset;
  }
  return table;
}

std::optional<Elf64_Shdr> FindSection(std::span<const uint8_t> file, const SectionTable& table,
                                      std::string_view name) {
  for (const Elf64_Shdr& section : table.sections) {
    if (StringAt(file, table.names + section.sh_name) == name) return section;
  }
  return std::nullopt;
}

}  // namespace fv::inspect
