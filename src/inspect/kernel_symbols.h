// SPDX-License-Identifier: Apache-2.0
//
// Names for addresses in the guest kernel's code, from the symbol table of its ELF file (elf(5)).
// The file may be the user's: what lies outside of it is left out.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace fv::inspect {

class KernelSymbols {
 public:
  // Copies what it needs out of `elf`. A file without symbols names nothing.
  explicit KernelSymbols(std::span<const uint8_t> elf);

  // The name of the function that contains `address`, without its namespace, type, parameters and
  // template arguments: "Mm::Map", "SlabCache::New". Empty if there is none.
  std::string Function(uint64_t address) const;
  // Its first address; 0 if there is none.
  uint64_t Start(uint64_t address) const;

 private:
  struct Symbol {
    uint64_t bytes;
    std::string name;  // as the linker has it
  };
  using Functions = std::map<uint64_t, Symbol>;  // by first address

  Functions::const_iterator Find(uint64_t address) const;

  Functions functions_;
};

}  // namespace fv::inspect
