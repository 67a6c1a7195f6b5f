// SPDX-License-Identifier: Apache-2.0
//
// Runs a program natively and in a guest, with the same input, environment and root file system,
// and compares what it did. docs/diff.md is for users.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/diff/compare_outcomes.h"
#include "src/diff/compare_traces.h"
#include "src/native/native.h"
#include "src/oracle/checker.h"
#include "src/session/guest.h"
#include "src/session/session.h"
#include "src/trace/trace.h"

namespace fv::diff {

enum class NativeRoot : uint8_t {
  kAuto,     // private, or the host's where namespaces are not permitted
  kPrivate,  // the guest's root file system
  kHost,     // the host's, and an empty working directory
};

struct DiffOptions {
  // Its event mask, terminal flags and timeout are set here.
  session::GuestOptions guest;
  oracle::CheckMode check = oracle::CheckMode::kOff;
  NativeRoot native_root = NativeRoot::kAuto;
  native::NativeOptions::User native_user = native::NativeOptions::User::kNamespace;
  native::NativeOptions::Calls calls = native::NativeOptions::Calls::kIgnore;
  TraceOptions trace;
  std::string input;        // standard input of both
  uint64_t timeout_ns = 0;  // of each; 0: none
};

struct DiffResult {
  Outcome native;
  Outcome guest;
  // How the guest's run ended; an end that is neither kExited nor kTimeout is the guest's failure,
  // and then nothing was compared.
  session::SessionResult session;
  std::vector<std::string> findings;  // of the oracle, with DiffOptions::check
  std::vector<std::string> notes;     // what the user should know about the comparison
  std::vector<OutcomeDifference> outcome_differences;
  TraceComparison calls;

  bool Compared() const {
    return session.end == session::SessionEnd::kExited ||
           session.end == session::SessionEnd::kTimeout;
  }
  bool Equal() const { return outcome_differences.empty() && calls.differences.empty(); }
};

// Whether a program for which the host permits no private root may run on the host's instead, when
// `caller` runs this. It does so with the caller's rights; those of root have to be asked for.
bool MayRunOnHostRoot(NativeRoot root, native::NativeOptions::User user, uid_t caller);

struct NativeSide {
  Outcome outcome;
  trace::Trace trace;  // with NativeOptions::Calls::kRecord
};
// The native half alone.
absl::StatusOr<NativeSide> RunNativeSide(const DiffOptions& options);

// The user's faults (no such program...) and what the host does not permit are values; throws
// vmm::VmmError for what KVM refuses.
absl::StatusOr<DiffResult> RunDiff(const DiffOptions& options);

}  // namespace fv::diff
