// SPDX-License-Identifier: Apache-2.0
//
// The registers with which a task goes on in its program.
#pragma once

#include <sys/user.h>

#include <optional>

#include "src/query/moment.h"

namespace fv::exports {

// The task on the CPU; nullptr: none that the list of tasks has.
const inspect::Task* TaskOnCpu(const query::Moment& moment);

// From the CPU if it runs there, outside of the kernel; else as its kernel stack has them. nullopt:
// a kernel task, or one whose stack cannot be read.
std::optional<user_regs_struct> UserRegistersOf(const query::Moment& moment,
                                                const inspect::Task& task);

// The kernel uses no floating-point registers: the CPU has those of the program that ran last, and
// the others' are where the kernel saved them. nullopt: a kernel task, or one of which neither can
// be read.
std::optional<user_fpregs_struct> FloatingRegistersOf(const query::Moment& moment,
                                                      const inspect::Task& task);

}  // namespace fv::exports
