// SPDX-License-Identifier: Apache-2.0
//
// Reading of ELF headers; see elf_image.h.
#include "tests/elf_image.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fv::tests {
namespace {

template <typename T>
T CopyAt(const std::string& bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
    throw std::runtime_error("a header lies outside the file");
  }
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::string NameAt(const std::string& bytes, const Elf64_Shdr& names, uint32_t offset) {
  const uint64_t start = names.sh_offset + offset;
  const auto end = start < bytes.size() ? bytes.find('\0', start) : std::string::npos;
  if (end == std::string::npos) throw std::runtime_error("a name lies outside the file");
  return bytes.substr(start, end - start);
}

std::vector<std::string> SymbolsOf(const std::string& bytes, const std::vector<Section>& sections) {
  std::vector<std::string> names;
  for (const Section& section : sections) {
    if (section.header.sh_type != SHT_SYMTAB) continue;
    const Elf64_Shdr& strings = sections.at(section.header.sh_link).header;
    for (uint64_t i = 0; i < section.header.sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol =
          CopyAt<Elf64_Sym>(bytes, section.header.sh_offset + i * sizeof(Elf64_Sym));
      if (symbol.st_shndx != SHN_UNDEF) names.push_back(NameAt(bytes, strings, symbol.st_name));
    }
  }
  return names;
}

}  // namespace

ElfImage::ElfImage(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  header_ = CopyAt<Elf64_Ehdr>(bytes, 0);
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) throw std::runtime_error("no ELF file");
  for (unsigned i = 0; i < header_.e_phnum; ++i) {
    segments_.push_back(CopyAt<Elf64_Phdr>(bytes, header_.e_phoff + i * sizeof(Elf64_Phdr)));
  }
  for (unsigned i = 0; i < header_.e_shnum; ++i) {
    sections_.push_back({"", CopyAt<Elf64_Shdr>(bytes, header_.e_shoff + i * sizeof(Elf64_Shdr))});
  }
  if (header_.e_shstrndx >= sections_.size()) throw std::runtime_error("no section names");
  const Elf64_Shdr names = sections_[header_.e_shstrndx].header;
  for (Section& section : sections_) section.name = NameAt(bytes, names, section.header.sh_name);
  symbols_ = SymbolsOf(bytes, sections_);
}

std::vector<Elf64_Phdr> ElfImage::Loads() const {
  std::vector<Elf64_Phdr> loads;
  std::copy_if(segments_.begin(), segments_.end(), std::back_inserter(loads),
               [](const Elf64_Phdr& segment) { return segment.p_type == PT_LOAD; });
  return loads;
}

}  // namespace fv::tests
