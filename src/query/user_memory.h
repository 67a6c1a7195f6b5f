// SPDX-License-Identifier: Apache-2.0
//
// The memory of one address space as its page tables show it. Reads only what is present.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "src/query/moment.h"

namespace fv::query {

class UserMemory {
 public:
  // Both outlive it.
  UserMemory(const Moment& moment, const inspect::Mm& mm) : moment_(moment), mm_(mm) {}

  // The frame that `address` lies in; nullopt: none, or beyond RAM.
  std::optional<uint64_t> Frame(uint64_t address) const;
  // An aligned word of 8 bytes.
  std::optional<uint64_t> Word(uint64_t address) const;
  // As many of the bytes [address, address + bytes) as can be read.
  std::string Bytes(uint64_t address, uint64_t bytes) const;

 private:
  const Moment& moment_;
  const inspect::Mm& mm_;
};

}  // namespace fv::query
