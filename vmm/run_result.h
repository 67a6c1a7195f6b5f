// SPDX-License-Identifier: Apache-2.0
//
// How a run of a machine ends.
#pragma once

#include <string>

namespace fv::vmm {

enum class RunEnd {
  kStopped,     // a port said stop
  kKicked,      // RequestStop
  kGuestError,  // triple fault, unknown exit, wild access...: message has the registers
  kSpin,        // the kernel ran longer than spin_limit_ns: message has the registers
  kWallLimit,   // wall_limit_ns passed
};

struct RunResult {
  RunEnd end;
  std::string message;  // empty for kStopped and kKicked
};

}  // namespace fv::vmm
