// SPDX-License-Identifier: Apache-2.0
//
// Several campaigns become one: their programs are run again, the smallest first, and those that
// show something that none before showed are kept. Of one campaign it makes a smaller corpus.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/fuzz/judge.h"
#include "src/fuzz/store.h"

namespace fv::fuzz {

struct MergeResult {
  uint64_t programs = 0;  // different ones that were run
  uint64_t kept = 0;
  uint64_t features = 0;  // that they show
  uint64_t findings = 0;  // that `into` had not
};

// `directories` are of campaigns (store.h), or hold programs as bytes. What is found on the way is
// kept too. Errors: NotFound, a directory that cannot be read; `into`; the host.
absl::StatusOr<MergeResult> MergeCampaigns(const JudgeOptions& options,
                                           const std::vector<std::string>& directories,
                                           const Store& into);

}  // namespace fv::fuzz
