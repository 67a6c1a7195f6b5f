// SPDX-License-Identifier: Apache-2.0
//
// Flags that several verbs share, and how they become options of a guest.
#pragma once

#include <gflags/gflags.h>

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/mutants.h"
#include "src/cli/arguments.h"
#include "src/native/native.h"
#include "src/oracle/checker.h"
#include "src/session/guest.h"
#include "src/session/reset_proof.h"

DECLARE_string(rootfs);
DECLARE_string(mem);
DECLARE_string(kernel_ring);
DECLARE_string(timeout);
DECLARE_string(events);
DECLARE_string(event_kinds);
DECLARE_string(kernel);
DECLARE_string(host);
DECLARE_string(kvm_device);
DECLARE_string(cwd);
DECLARE_string(busybox);
DECLARE_string(mutant);
DECLARE_string(strategy);
DECLARE_string(fail);
DECLARE_string(vm);
DECLARE_string(trace);
DECLARE_string(gdb);
DECLARE_bool(deterministic);
DECLARE_string(from);
DECLARE_int32(repeat);
DECLARE_bool(v);

namespace fv::cli {

// The flags of every verb that runs a program in a guest.
std::vector<std::string_view> GuestFlags();

// The flags of the verbs that can begin at a snapshot; and whether their values, the program among
// them, go together.
std::vector<std::string_view> FromFlags();
absl::Status CheckFrom(const Arguments& arguments);

// --check, --prove_reset, --native_user.
absl::StatusOr<oracle::CheckMode> CheckModeFromFlags();
absl::StatusOr<session::ProveReset> ProveResetFromFlags();
absl::StatusOr<native::NativeOptions::User> NativeUserFromFlags();

// The guest kernel of --kernel: a file, or one of those inside the command. The bytes live as long
// as the process.
absl::StatusOr<std::span<const uint8_t>> KernelImage();
// Throws vmm::VmmError if that is nothing a guest could boot.
void CheckBoots(std::span<const uint8_t> kernel);
// The names of its fork strategies, by MmRecord::fork_strategy.
std::vector<std::string> StrategyNames(std::span<const uint8_t> kernel);

// --mutant, of this kernel.
absl::StatusOr<proto::Mutant> MutantFromFlags(std::span<const uint8_t> kernel);
// InvalidArgument, with the name of one that has, if `kernel` has no mutants for --`flag`.
absl::Status CheckHasMutants(std::string_view flag, std::span<const uint8_t> kernel);

// Options from the flags; `arguments.words` is the program and its arguments (none: a snapshot has
// them).
absl::StatusOr<session::GuestOptions> GuestOptionsFromFlags(const Arguments& arguments);

}  // namespace fv::cli
