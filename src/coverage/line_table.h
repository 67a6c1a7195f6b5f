// SPDX-License-Identifier: Apache-2.0
//
// Which source line each piece of the kernel's code comes from: its DWARF line table (DWARF 5,
// chapter 6.2), read by elfutils' libdw.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fv::coverage {

struct LineRow {
  uint64_t begin;  // of the code
  uint64_t end;    // behind it
  uint32_t file;   // index into LineTable::files
  uint32_t line;   // from 1
};

struct LineTable {
  std::vector<std::string> files;  // relative to the source tree: "guest/mm/map.cc"
  std::vector<LineRow> rows;       // ascending
};

// Statements of the source tree only, and without code that has no line. InvalidArgument: no ELF
// file, or one without debug information.
absl::StatusOr<LineTable> ReadLineTable(std::span<const uint8_t> kernel);

}  // namespace fv::coverage
