// SPDX-License-Identifier: Apache-2.0
//
// One cell of the laboratory's matrix: who forks (a strategy of the guest kernel, or this Linux)
// and what the forking process is like. The axes and their names are here, once.
#pragma once

#include <cstdint>
#include <string>

#include "proto/fork_strategy.h"
#include "src/bench/guest_side.h"

namespace fv::lab {

// Systems that are no strategy of the guest kernel: this Linux, without huge pages and with them.
inline constexpr char kNative[] = "native";
inline constexpr char kNativeHuge[] = "native-thp";

struct Cell {
  std::string system;                         // name of a fork strategy, kNative or kNativeHuge
  uint64_t size = 0;                          // bytes that the process has mapped
  bench::Touch touch = bench::Touch::kWrite;  // how, before the first fork
  uint64_t vmas = 1;                          // mappings over which these bytes are spread
  uint64_t depth = 0;  // living ancestors that share the pages with the forking process
  uint64_t dirty = 0;  // percent of the pages that child and parent write after each fork

  bool native() const { return system == kNative || system == kNativeHuge; }
  bool operator==(const Cell&) const = default;
};

// "classic/size:67108864/touch:write/vmas:1/depth:0/dirty:1": unique, and the same in every run.
std::string CellName(const Cell& cell);

// Arguments of guest/user/bench/fork_lab.c: so many cycles, with so many forks again in each.
std::vector<std::string> ProgramArguments(const Cell& cell, uint64_t cycles, uint64_t again);

// Memory that a cell needs: the pages, the copies that the writes after a fork make, and with a
// strategy that copies at once those of every process.
uint64_t RamFor(const Cell& cell, proto::ForkMemory strategy);

}  // namespace fv::lab
