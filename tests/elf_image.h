// SPDX-License-Identifier: Apache-2.0
//
// A 64-bit ELF file read whole, for tests that inspect one: headers by value, checked against the
// file's length when it is opened (a bad file throws std::runtime_error). Independent of the
// hypervisor's loader on purpose: a witness does not ask the accused. Source: elf(5), elf.h.
#pragma once

#include <elf.h>

#include <cstdint>
#include <string>
#include <vector>

namespace fv::tests {

struct Section {
  std::string name;
  Elf64_Shdr header;
};

class ElfImage {
 public:
  explicit ElfImage(const std::string& path);

  const Elf64_Ehdr& Header() const { return header_; }
  const std::vector<Elf64_Phdr>& Segments() const { return segments_; }
  const std::vector<Section>& Sections() const { return sections_; }
  // Segments of type PT_LOAD, in file order.
  std::vector<Elf64_Phdr> Loads() const;
  // Names in .symtab that a section of this file defines, weak ones included.
  const std::vector<std::string>& DefinedSymbols() const { return symbols_; }

 private:
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Section> sections_;
  std::vector<std::string> symbols_;
};

}  // namespace fv::tests
