// SPDX-License-Identifier: Apache-2.0
//
// Reading an ELF file (elf(5)) that may be the user's: what lies outside of it is not there.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fv::inspect {

template <typename T>
std::optional<T> CopyAt(std::span<const uint8_t> file, uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

// The NUL-terminated string there, or the file's last bytes. Empty if it is not in the file.
std::string StringAt(std::span<const uint8_t> file, uint64_t offset);

// The section headers that are in the file; none if it is no ELF file. Their offsets and sizes are
// as the file has them, but sh_link is below the count.
struct SectionTable {
  std::vector<Elf64_Shdr> sections;
  uint64_t names = 0;  // file offset of the sections' names
};
SectionTable ReadSections(std::span<const uint8_t> file);
// The first of that name; its offsets and sizes may lie outside of the file.
std::optional<Elf64_Shdr> FindSection(std::span<const uint8_t> file, const SectionTable& table,
                                      std::string_view name);

}  // namespace fv::inspect
