// SPDX-License-Identifier: Apache-2.0
//
// Runs the program once for one cell, in a guest or natively, and returns what it measured.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "src/lab/batch.h"
#include "src/lab/cell.h"
#include "src/session/guest.h"

namespace fv::lab {

// Forks again in each cycle.
inline constexpr uint64_t kForksAgain = 4;

// What is the same for all cells: guests by strategy (kernel, ring, device set), and the file of
// guest/user/bench/fork_lab.c.
struct Systems {
  std::map<std::string, session::GuestOptions> guests;
  std::string program;
};

// Memory that the cell needs: of its guest, or of the host.
uint64_t RamFor(const Systems& systems, const Cell& cell);

// An error if the program or the guest fails or their output makes no sense. Throws vmm::VmmError.
absl::StatusOr<Batch> RunBatch(const Systems& systems, const Cell& cell, Batch::Kind kind,
                               uint64_t cycles);

}  // namespace fv::lab
