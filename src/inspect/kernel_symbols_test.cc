// SPDX-License-Identifier: Apache-2.0
//
// Symbols of a file built here, and of files that lie.
#include "src/inspect/kernel_symbols.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "src/inspect/testing/symbol_file.h"

namespace fv::inspect {
namespace {

std::vector<uint8_t> Sample() {
  return testing::SymbolFile()
      .Symbol("_ZN2fv5guest12_GLOBAL__N_14FindEi", 0x1000, 0x20)
      .Symbol("plain", 0x1040, 0x10)
      .Symbol("plain", 0x2000, 0x10, STT_OBJECT)
      .Bytes();
}

TEST(KernelSymbols, NamesFunctions) {
  const std::vector<uint8_t> bytes = Sample();
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

TEST(KernelSymbols, NamesAreBare) {
  const std::vector<uint8_t> bytes =
      testing::SymbolFile()
          // Mm* fv::guest::SlabCache<fv::guest::Mm>::New<>()
          .Symbol("_ZN2fv5guest9SlabCacheINS0_2MmEE3NewIJEEEPS2_DpT_", 0x1000, 0x10)
          // void fv::guest::CopyEntries<(fv::guest::Sharing)0>(unsigned long*)
          .Symbol("_ZN2fv5guest11CopyEntriesILNS0_7SharingE0EEEvPm", 0x1010, 0x10)
          // fv::guest::Ref<fv::guest::File>::operator->() const
          .Symbol("_ZNK2fv5guest3RefINS0_4FileEEptEv", 0x1020, 0x10)
          .Bytes();
  const KernelSymbols symbols(bytes);
  EXPECT_EQ(symbols.Function(0x1000), "SlabCache::New");
  EXPECT_EQ(symbols.Function(0x1010), "CopyEntries");
  EXPECT_EQ(symbols.Function(0x1020), "Ref::operator->");
}

TEST(KernelSymbols, AnyPrefixAndAnyWordOfAFileIsBearable) {
  const std::vector<uint8_t> whole = Sample();
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
