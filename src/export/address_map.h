// SPDX-License-Identifier: Apache-2.0
//
// One address space, as a figure shows it: its mappings by address, and in each what its pages are,
// neighbours of one state as one stretch.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/export/page_looks.h"
#include "src/query/moment.h"

namespace fv::exports {

struct Stretch {
  uint64_t pages;
  PageState state;
};

// A mapping, or several neighbours.
struct AddressRow {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t mappings = 0;
  std::string rights;  // as in /proc/PID/maps; of several: the first one's
  std::string what;    // "[heap]", "file"...
  uint64_t pages = 0;
  std::vector<Stretch> stretches;  // `pages` in all
};

struct AddressMap {
  std::string user;      // "2 fork_two_pages"
  std::string strategy;  // how the next fork copies it
  std::vector<AddressRow> rows;
  uint64_t mappings = 0;
  std::array<uint64_t, kPageStates> pages{};  // by PageState
};

// At most `most_rows` rows: if there are more mappings, each row has several. Error: NotFound.
absl::StatusOr<AddressMap> MapAddresses(const query::Moment& moment, uint32_t pid,
                                        size_t most_rows);

}  // namespace fv::exports
