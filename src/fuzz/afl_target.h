// SPDX-License-Identifier: Apache-2.0
//
// The judge as a target of afl-fuzz: the process is its own fork server and runs every program
// itself, in one guest that goes back to its snapshot (AFL++'s docs: "fork server protocol", old
// hello). What a run showed is afl's coverage map; a finding looks like a crash (SIGABRT) and is
// kept in the store too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/store.h"

namespace fv::fuzz {

inline constexpr size_t kAflMapBytes = size_t{1} << 16;  // afl's MAP_SIZE

struct AflEnds {
  int control = 198;  // requests, 4 bytes each
  int status = 199;   // hello, then for each request a pid and a wait status
  int input = 0;      // a file, read from its beginning for each request
  std::span<uint8_t> map;
};

// The map that afl-fuzz has named in the environment. FailedPrecondition: it did not start us.
absl::Status FindAflMap(AflEnds& ends);

// Until the control descriptor closes. Errors: the host, the store.
absl::Status ServeAfl(const JudgeOptions& options, const Store& store, const AflEnds& ends);

}  // namespace fv::fuzz
