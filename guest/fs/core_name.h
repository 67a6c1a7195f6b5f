// SPDX-License-Identifier: Apache-2.0
//
// Names of core files: /proc/sys/kernel/core_pattern and core_uses_pid (core(5)).
// Locking: one writer at a time; core_pattern has a lock of its own with a second vCPU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/result.h"

namespace fv::guest {

inline constexpr size_t kCorePatternBytes = 128;  // with the NUL
inline constexpr size_t kCoreNameBytes = 512;

struct CorePattern {
  char text[kCorePatternBytes];
  bool uses_pid;
};
// The pattern of the system: "core" at first.
CorePattern& SystemCorePattern();

// What the specifiers of a pattern say.
struct CoreNameFacts {
  uint32_t pid = 0;  // of the process
  uint32_t tid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t signo = 0;
  uint32_t dumpable = 0;
  uint64_t seconds = 0;  // since the epoch
  uint64_t limit = 0;    // RLIMIT_CORE
  const char* comm = "";
  const char* hostname = "";
  const char* exe = "";
};

// The file's name into `out`. "/" in what a specifier says becomes "!". Errors: ENAMETOOLONG;
// ENOENT (an empty name); EOPNOTSUPP: the pattern is a pipe to a program, and nothing here runs
// programs.
Status FormatCoreName(const CorePattern& pattern, const CoreNameFacts& facts,
                      char (&out)[kCoreNameBytes]);

}  // namespace fv::guest
