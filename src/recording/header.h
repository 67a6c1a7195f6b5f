// SPDX-License-Identifier: Apache-2.0
//
// The first record of a recording: the run's facts, and names for all numbers that follow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/boot_info.h"
#include "proto/recording.pb.h"

namespace fv::recording {

struct RunFacts {
  std::vector<std::string> program;  // with its arguments
  std::string strategy;
  std::vector<std::string> strategies;  // of the kernel, by MmRecord::fork_strategy
  std::string host;
  std::string kernel_id;
};

schema::Header MakeHeader(const RunFacts& facts, const proto::BootInfo& boot);

}  // namespace fv::recording
