// SPDX-License-Identifier: Apache-2.0
//
// The console: the host's stdin, stdout and stderr as files of the first program. A stream that is
// a terminal on the host (BootFlag) shares a Tty (tty.h); any other behaves like a pipe.
// Input arrives by commands from the host (proto/channel.h).
// Locking: a tty lock would guard the line buffer; one vCPU needs none.
#pragma once

#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

// After InitFs.
void InitConsole();
// Takes in the host's commands: input bytes to the line discipline, signals to the foreground
// group, window size. The scheduler calls it at ticks, when idle ended, and console readers do.
void ConsolePoll();
// The foreground process group of the tty and its session; 0: none. Boot sets 2 and the session.
void SetConsoleForeground(uint32_t pgid, uint32_t sid);

}  // namespace fv::guest
