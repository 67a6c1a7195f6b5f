// SPDX-License-Identifier: Apache-2.0
//
// What one kernel operation may do, given the state before and after and the events in between:
// I7 (lost permissions are flushed), the content half of a copy-on-write break (I6), and the
// reference model of fork (I6, I10).
#pragma once

#include <span>

#include "proto/channel.h"
#include "src/oracle/content_guard.h"
#include "src/oracle/finding.h"
#include "src/oracle/mm_cache.h"
#include "src/oracle/table_cache.h"
#include "src/oracle/task_cache.h"

namespace fv::oracle {

class TransitionChecker {
 public:
  TransitionChecker(const MmCache& mms, const TableCache& tables, const TaskCache& tasks,
                    const FrameCache& frames, const ContentGuard& content)
      : mms_(mms), tables_(tables), tasks_(tasks), frames_(frames), content_(content) {}

  // `events` are those since the previous safepoint, oldest first.
  void Check(proto::SafepointKind kind, std::span<const proto::EventRecord> events,
             Findings& findings) const;

  // The kinds of events that Check needs.
  static uint64_t RequiredEvents();

 private:
  void CheckReuse(std::span<const proto::EventRecord> events, Findings& findings) const;
  void CheckBreak(std::span<const proto::EventRecord> events, Findings& findings) const;
  void CheckFork(std::span<const proto::EventRecord> events, Findings& findings) const;
  void CompareFork(const proto::EventRecord& end, uint64_t clone_flags, Findings& findings) const;
  void ComparePages(uint32_t parent, uint32_t child, uint64_t clone_flags,
                    Findings& findings) const;
  bool MadeByStore(const proto::VmaRecord& vma, uint64_t pfn, unsigned words_allowed) const;
  void CompareTable(uint32_t child, const CachedTable* from, const CachedTable* to,
                    unsigned words_allowed, Findings& findings) const;
  int32_t MmOfPid(uint32_t pid) const;

  const MmCache& mms_;
  const TableCache& tables_;
  const TaskCache& tasks_;
  const FrameCache& frames_;
  const ContentGuard& content_;
};

}  // namespace fv::oracle
