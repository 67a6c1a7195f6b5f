// SPDX-License-Identifier: Apache-2.0
//
// See kernel_symbols.h.
#include "src/inspect/kernel_symbols.h"

#include <cxxabi.h>

#include <cstdlib>
#include <iterator>
#include <memory>

#include "src/inspect/elf_file.h"

namespace fv::inspect {
namespace {

std::string Demangled(const std::string& name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? text.get() : name;
}

void Remove(std::string& text, const std::string& part) {
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part)) {
    text.erase(at, part.size());
  }
}

// The name in a demangled function: without type, template arguments and parameters.
std::string NameOf(const std::string& function) {
  std::string name;
  int nesting = 0;  // of template arguments
  for (const char c : function) {
    if (c == '<') {
      ++nesting;
    } else if (c == '>' && nesting > 0) {
      --nesting;
    } else if (nesting == 0 && c == '(') {
      break;
    } else if (nesting == 0 && c == ' ') {
      name.clear();  // that was the type
    } else if (nesting == 0) {
      name += c;
    }
  }
  return name;
}

}  // namespace

KernelSymbols::KernelSymbols(std::span<const uint8_t> elf) {
  const SectionTable file = ReadSections(elf);
  for (const Elf64_Shdr& table : file.sections) {
    if (table.sh_type != SHT_SYMTAB || table.sh_offset > elf.size()) continue;
    const uint64_t names = file.sections[table.sh_link].sh_offset;
    if (names > elf.size()) continue;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = CopyAt<Elf64_Sym>(elf, table.sh_offset + at);
      if (!symbol) break;
      if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF) {
        functions_[symbol->st_value] = {symbol->st_size, StringAt(elf, names + symbol->st_name)};
      }
    }
  }
}

KernelSymbols::Functions::const_iterator KernelSymbols::Find(uint64_t address) const {
  const auto after = functions_.upper_bound(address);
  if (after == functions_.begin()) return functions_.end();
  const auto found = std::prev(after);
  return address - found->first < found->second.bytes ? found : functions_.end();
}

uint64_t KernelSymbols::Start(uint64_t address) const {
  const auto found = Find(address);
  return found == functions_.end() ? 0 : found->first;
}

std::string KernelSymbols::Function(uint64_t address) const {
  const auto found = Find(address);
  if (found == functions_.end()) return "";
  std::string name = Demangled(found->second.name);
  for (const char* part : {"fv::guest::", "(anonymous namespace)::"}) Remove(name, part);
  return NameOf(name);
}

}  // namespace fv::inspect
