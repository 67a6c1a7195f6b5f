// SPDX-License-Identifier: Apache-2.0
//
// Exit codes of the command. `run` ends with the program's own status when the program ended by
// itself; the others then come with a message on standard error that begins with "forkvisor:".
#pragma once

namespace fv::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFinding = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNoKvm = 3;
inline constexpr int kExitGuestFailure = 4;
// The host cannot do what is asked: run a program natively as wanted, write an output.
inline constexpr int kExitHostFailure = 5;
// As coreutils' timeout(1) has it.
inline constexpr int kExitTimeout = 124;
// As a shell shows a death by the signal.
constexpr int ExitBySignal(int number) { return 128 + number; }

}  // namespace fv::cli
