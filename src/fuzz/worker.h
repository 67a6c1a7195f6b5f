// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer's driver with a judge as its target: one job of a campaign, or a program of its own.
#pragma once

#include <atomic>
#include <cstdint>

#include "src/coverage/kernel_blocks.h"
#include "src/fuzz/campaign.h"
#include "src/fuzz/features.h"

namespace fv::fuzz {

// What the jobs tell the campaign, in memory that all of them share. Zeros at the beginning.
struct SharedState {
  std::atomic<uint64_t> programs;
  std::atomic<uint64_t> found;
  std::atomic<uint64_t> resets;
  std::atomic<uint64_t> reset_ns;
  std::atomic<uint64_t> proofs;
  std::atomic<uint8_t> seen[kFeatures];
  // Of the kernel's basic blocks: programs that ran it.
  std::atomic<uint64_t> block_hits[coverage::kMaxBlocks];
  // Why the host failed a job, up to a zero byte: of several the first.
  std::atomic_flag failed;
  char failure[512];
};

// What a job exits with when the host fails it: no use in another try.
inline constexpr int kHostFailure = 5;

// Does not return: libFuzzer ends the process.
[[noreturn]] void RunWorker(const CampaignOptions& options, const Store& store, unsigned job,
                            uint64_t seconds, SharedState& shared);

// libFuzzer as it is by itself, with the words of main: its flags, its files, its exit codes. A
// finding is printed and ends the process by SIGABRT, upon which libFuzzer keeps the program (as
// bytes, -artifact_prefix) and exits with 77. Words that begin with two dashes it passes over.
// Returns what main does; 1: the host failed.
int RunTarget(const JudgeOptions& options, int argc, char** argv);

}  // namespace fv::fuzz
