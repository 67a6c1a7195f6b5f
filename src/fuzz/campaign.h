// SPDX-License-Identifier: Apache-2.0
//
// A campaign: libFuzzer chooses programs, guided by what their runs showed (features.h); what a
// judge finds is minimised and kept in the store. Each job is a process of its own, with an own
// guest; they share the store and take programs from each other through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/store.h"

namespace fv::fuzz {

struct CampaignOptions {
  JudgeOptions judge;
  std::string directory;
  std::string origin;     // build and flags, for findings
  uint64_t seconds = 60;  // 0: until `programs`, or a signal
  uint64_t programs = 0;  // of each job; 0: no limit
  unsigned jobs = 1;
  uint64_t seed = 1;
  // Whether a comparison of the kernel that came out nearer to equal is something new.
  bool compares = false;
};

struct CampaignState {
  double seconds = 0;
  uint64_t programs = 0;  // run
  uint64_t features = 0;  // seen at least once by one of the jobs
  uint64_t corpus = 0;    // programs kept
  uint64_t findings = 0;  // in the store, of former campaigns too
  uint64_t found = 0;     // of them by this one
  uint64_t restarts = 0;  // of jobs that died
  uint64_t resets = 0;    // of guests, to their snapshots
  uint64_t reset_ns = 0;  // all of them
  uint64_t proofs = 0;    // of them, proved exact
  // Of the kernel's basic blocks (KernelBlocks): programs that ran it. Empty if it does not count.
  std::vector<uint64_t> block_hits;

  uint64_t BlocksReached() const;
};

// `progress` is called about once in two seconds. Errors: the store, the host. A signal that ends
// the process ends the jobs.
absl::StatusOr<CampaignState> RunCampaign(
    const CampaignOptions& options, const std::function<void(const CampaignState&)>& progress);

}  // namespace fv::fuzz
