// SPDX-License-Identifier: Apache-2.0
//
// What kind of program a file is, told from its bytes. Nothing in the file is trusted: every
// offset is checked against the file's length. Source: elf(5), execve(2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fv::rootfs {

enum class ProgramKind : uint8_t {
  kStatic,     // ET_EXEC without an interpreter
  kStaticPie,  // ET_DYN without an interpreter
  kDynamic,    // names an ELF interpreter (PT_INTERP)
  kScript,     // "#!"
};

struct ProgramInfo {
  ProgramKind kind = ProgramKind::kStatic;
  std::string interpreter;  // kDynamic and kScript: a path
};

// InvalidArgument with the reason, beginning with `name`, for what cannot run on an x86-64 Linux.
absl::StatusOr<ProgramInfo> InspectProgram(std::string_view name, std::string_view bytes);

// The message for a dynamic program whose loader or libraries cannot be had (`why`): what is wrong
// and what to do.
absl::Status DynamicProgramError(std::string_view name, std::string_view interpreter,
                                 std::string_view why);

// True if the program may start a shell: it holds the string "/bin/sh" (system(3), popen(3)).
bool MentionsShell(std::string_view bytes);

// The names that a busybox binary answers to, from the table in its bytes; empty if it is none.
std::vector<std::string> BusyboxApplets(std::string_view bytes);

}  // namespace fv::rootfs
