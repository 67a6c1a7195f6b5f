// SPDX-License-Identifier: Apache-2.0
//
// See kernel_symbols.h.
#include "src/inspect/kernel_symbols.h"

#include <cxxabi.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

namespace fv::inspect {
namespace {

template <typename T>
std::optional<T> CopyAt(std::span<const uint8_t> file, uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

std::optional<Elf64_Shdr> Section(std::span<const uint8_t> file, const Elf64_Ehdr& header,
                                  uint64_t index) {
  if (index >= header.e_shnum || header.e_shoff > file.size()) return std::nullopt;
  return CopyAt<Elf64_Shdr>(file, header.e_shoff + index * sizeof(Elf64_Shdr));
}

// Empty if the string is not in the file.
std::string StringAt(std::span<const uint8_t> file, uint64_t offset) {
  if (offset >= file.size()) return "";
  const char* start = reinterpret_cast<const char*>(file.data() + offset);
  return {start, strnlen(start, file.size() - offset)};
}

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

}  // namespace

KernelSymbols::KernelSymbols(std::span<const uint8_t> elf) {
  const auto header = CopyAt<Elf64_Ehdr>(elf, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return;
  for (uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto table = Section(elf, *header, i);
    if (!table || table->sh_type != SHT_SYMTAB) continue;
    const auto strings = Section(elf, *header, table->sh_link);
    if (!strings || strings->sh_offset > elf.size() || table->sh_offset > elf.size()) continue;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = CopyAt<Elf64_Sym>(elf, table->sh_offset + at);
      if (!symbol) break;
      if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF) {
        functions_[symbol->st_value] = {symbol->st_size,
                                        StringAt(elf, strings->sh_offset + symbol->st_name)};
      }
    }
  }
}

std::string KernelSymbols::Function(uint64_t address) const {
  auto after = functions_.upper_bound(address);
  if (after == functions_.begin()) return "";
  const auto& [start, symbol] = *std::prev(after);
  if (address - start >= symbol.bytes) return "";
  std::string name = Demangled(symbol.name);
  for (const char* part : {"fv::guest::", "(anonymous namespace)::"}) Remove(name, part);
  return name.substr(0, name.find('('));
}

}  // namespace fv::inspect
