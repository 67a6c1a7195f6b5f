// SPDX-License-Identifier: Apache-2.0
//
// Compares the system calls of two runs. Tasks are matched by their place in the tree, which every
// program decides for itself; how tasks took turns is not compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "src/diff/align.h"
#include "src/trace/trace.h"

namespace fv::diff {

struct TraceOptions {
  std::set<uint64_t> ignored;   // numbers of calls that are left out
  size_t context = 5;           // calls that are shown before a difference
  size_t max_differences = 10;  // then the comparison ends
};

// One line of the two sides, each as strace would print it.
struct CallRow {
  Verdict verdict = Verdict::kEqual;
  std::string native, guest;  // empty: no call there
};

struct CallDifference {
  std::string task;  // see trace::TaskName
  uint32_t native_pid = 0;
  uint32_t guest_pid = 0;
  size_t call = 0;  // the native one's place in its task, from 1
  Verdict verdict = Verdict::kResult;
  std::vector<CallRow> rows;  // the last one is the difference
};

struct TraceComparison {
  std::vector<CallDifference> differences;  // the first ones
  size_t tasks = 0;                         // compared
  size_t calls = 0;                         // compared, of all tasks
  size_t skipped = 0;                       // optional calls that one side did not make
  bool more = false;                        // ended at max_differences
  bool truncated = false;                   // a recorder kept only a beginning
};

TraceComparison CompareTraces(const trace::Trace& native, const trace::Trace& guest,
                              const TraceOptions& options);

}  // namespace fv::diff
