// SPDX-License-Identifier: Apache-2.0
//
// An ELF file for tests that has nothing but symbols, their names, and the headers of sections.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace fv::inspect::testing {

class SymbolFile {
 public:
  SymbolFile& Symbol(const std::string& name, uint64_t address, uint64_t bytes,
                     unsigned char type = STT_FUNC) {
    const unsigned char info = ELF64_ST_INFO(STB_LOCAL, type);
    symbols_.push_back({NameAt(name), info, 0, 1, address, bytes});
    return *this;
  }
  // A section without content.
  SymbolFile& Section(const std::string& name, uint64_t address, uint64_t bytes) {
    Elf64_Shdr section{};
    section.sh_name = NameAt(name);
    section.sh_addr = address;
    section.sh_size = bytes;
    sections_.push_back(section);
    return *this;
  }

  std::vector<uint8_t> Bytes() const {
    std::vector<Elf64_Shdr> sections = sections_;
    const uint64_t symbols_at = sizeof(Elf64_Ehdr) + sections.size() * sizeof(Elf64_Shdr);
    const uint64_t symbol_bytes = symbols_.size() * sizeof(Elf64_Sym);
    sections[kSymbols].sh_type = SHT_SYMTAB;
    sections[kSymbols].sh_link = kNames;
    sections[kSymbols].sh_offset = symbols_at;
    sections[kSymbols].sh_size = symbol_bytes;
    sections[kNames].sh_type = SHT_STRTAB;
    sections[kNames].sh_offset = symbols_at + symbol_bytes;
    sections[kNames].sh_size = names_.size();

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_shoff = sizeof(header);
    header.e_shnum = static_cast<uint16_t>(sections.size());
    header.e_shstrndx = kNames;
    std::vector<uint8_t> file;
    Append(file, &header, sizeof(header));
    Append(file, sections.data(), sections.size() * sizeof(Elf64_Shdr));
    Append(file, symbols_.data(), symbol_bytes);
    Append(file, names_.data(), names_.size());
    return file;
  }

 private:
  static constexpr size_t kSymbols = 0;
  static constexpr size_t kNames = 1;

  uint32_t NameAt(const std::string& name) {
    const auto at = static_cast<uint32_t>(names_.size());
    names_ += name + '\0';
    return at;
  }
  static void Append(std::vector<uint8_t>& file, const void* from, size_t bytes) {
    const auto* first = static_cast<const uint8_t*>(from);
    file.insert(file.end(), first, first + bytes);
  }

  std::vector<Elf64_Shdr> sections_{2};
  std::vector<Elf64_Sym> symbols_;
  std::string names_{'\0'};
};

}  // namespace fv::inspect::testing
