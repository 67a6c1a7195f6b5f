// SPDX-License-Identifier: Apache-2.0
//
// Symbols of a file built here, and of files that lie.
#include "src/inspect/kernel_symbols.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace fv::inspect {
namespace {

constexpr char kNames[] = "\0_ZN2fv5guest12_GLOBAL__N_14FindEi\0plain";
constexpr uint32_t kFind = 1;
constexpr uint32_t kPlain = sizeof("_ZN2fv5guest12_GLOBAL__N_14FindEi") + 1;

struct File {
  Elf64_Ehdr header{};
  Elf64_Shdr sections[2]{};  // symbols, their names
  Elf64_Sym symbols[3]{};
  char names[sizeof(kNames)];
};

File Sample() {
  File file;
  std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
  file.header.e_shoff = offsetof(File, sections);
  file.header.e_shnum = 2;
  file.sections[0].sh_type = SHT_SYMTAB;
  file.sections[0].sh_link = 1;
  file.sections[0].sh_offset = offsetof(File, symbols);
  file.sections[0].sh_size = sizeof(File::symbols);
  file.sections[1].sh_type = SHT_STRTAB;
  file.sections[1].sh_offset = offsetof(File, names);
  file.symbols[0] = {kFind, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, 0x1000, 0x20};
  file.symbols[1] = {kPlain, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0x1040, 0x10};
  file.symbols[2] = {kPlain, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 1, 0x2000, 0x10};
  std::memcpy(file.names, kNames, sizeof(kNames));
  return file;
}

std::vector<uint8_t> Bytes(const File& file) {
  std::vector<uint8_t> bytes(sizeof(file));
  std::memcpy(bytes.data(), &file, sizeof(file));
  return bytes;
}

TEST(KernelSymbols, NamesFunctions) {
  const std::vector<uint8_t> bytes = Bytes(Sample());
  const KernelSymbols symbols(bytes);
  EXPECT_EQ(symbols.Function(0x1000), "Find");
  EXPECT_EQ(symbols.Function(0x101F), "Find");
  EXPECT_EQ(symbols.Function(0x1020), "") << "between two functions";
  EXPECT_EQ(symbols.Start(0x101F), 0x1000u);
  EXPECT_EQ(symbols.Start(0x1020), 0u);
  EXPECT_EQ(symbols.Function(0x1040), "plain");
  EXPECT_EQ(symbols.Function(0xFFF), "");
  EXPECT_EQ(symbols.Function(0x2000), "") << "no function";
}

TEST(KernelSymbols, AnyPrefixAndAnyWordOfAFileIsBearable) {
  const std::vector<uint8_t> whole = Bytes(Sample());
  for (size_t length = 0; length < whole.size(); ++length) {
    (void)KernelSymbols(std::span<const uint8_t>(whole.data(), length)).Function(0x1000);
  }
  for (size_t at = 0; at + 8 <= whole.size(); ++at) {
    std::vector<uint8_t> spoiled = whole;
    std::memset(spoiled.data() + at, 0xFF, 8);
    (void)KernelSymbols(spoiled).Function(0x1000);
  }
}

}  // namespace
}  // namespace fv::inspect
