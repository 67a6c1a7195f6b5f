// SPDX-License-Identifier: Apache-2.0
//
// The section that a program names is read anew at each interruption and trusted in nothing: its
// abort address must be preceded by the signature that was registered.

#include "guest/task/rseq.h"

#include <linux/rseq.h>

#include <cstddef>

#include "guest/arch/trap_frame.h"
#include "guest/mm/user_copy.h"
#include "guest/task/signal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kSectionField = offsetof(struct rseq, rseq_cs);
constexpr uint64_t kFlagsField = offsetof(struct rseq, flags);
// node_id and mm_cid, which older headers do not name; reserved bytes of the 32 before that.
constexpr uint64_t kNodeField = 20;
constexpr uint64_t kConcurrencyField = 24;

Status WriteNumbers(Task& task, uint64_t area, uint32_t cpu) {
  Mm& mm = *task.mm();
  TRY(WriteUser(mm, area + offsetof(struct rseq, cpu_id_start), uint32_t{0}));
  TRY(WriteUser(mm, area + offsetof(struct rseq, cpu_id), cpu));
  TRY(WriteUser(mm, area + kNodeField, uint32_t{0}));
  return WriteUser(mm, area + kConcurrencyField, uint32_t{0});
}

// The section that the area names, held against the ABI. Errors: EFAULT, EINVAL.
Result<rseq_cs> ReadSection(Task& task, uint64_t address) {
  if (address >= proto::kUserEnd) {
    return Error(EINVAL);
  }
  const rseq_cs section = TRY(ReadUser<rseq_cs>(*task.mm(), address));
  const uint64_t end = section.start_ip + section.post_commit_offset;
  if (section.start_ip >= proto::kUserEnd || end >= proto::kUserEnd || end < section.start_ip ||
      section.abort_ip >= proto::kUserEnd || section.version != 0) {
    return Error(EINVAL);
  }
  if (section.abort_ip - section.start_ip < section.post_commit_offset) {
    return Error(EINVAL);  // the way out lies inside
  }
  // The signature keeps an attacker from making any instruction the target.
  const uint64_t signature_at = section.abort_ip - sizeof(uint32_t);
  if (TRY(ReadUser<uint32_t>(*task.mm(), signature_at)) != task.rseq_signature) {
    return Error(EINVAL);
  }
  return section;
}

Status LeaveSection(Task& task, TrapFrame& frame) {
  Mm& mm = *task.mm();
  const uint64_t named = TRY(ReadUser<uint64_t>(mm, task.rseq_area + kSectionField));
  if (named == 0) {
    return Ok();
  }
  const rseq_cs section = TRY(ReadSection(task, named));
  const bool inside = frame.rip - section.start_ip < section.post_commit_offset;
  if (inside) {
    const uint32_t flags = TRY(ReadUser<uint32_t>(mm, task.rseq_area + kFlagsField));
    if ((section.flags | flags) != 0) {
      return Error(EINVAL);  // the flags that kept a section from restarting are gone since 6.1
    }
  }
  // Outside, the name is left over from a section that was passed.
  TRY(WriteUser(mm, task.rseq_area + kSectionField, uint64_t{0}));
  if (inside) {
    frame.rip = section.abort_ip;
  }
  return Ok();
}

}  // namespace

Status InitRseqArea(Task& task, uint64_t address) {
  const uint64_t section_at = address + kSectionField;
  if (TRY(ReadUser<uint64_t>(*task.mm(), section_at)) != 0) {
    TRY(WriteUser(*task.mm(), section_at, uint64_t{0}));
  }
  return WriteNumbers(task, address, 0);
}

Status ResetRseqArea(Task& task) {
  return WriteNumbers(task, task.rseq_area, static_cast<uint32_t>(RSEQ_CPU_ID_UNINITIALIZED));
}

void InterruptRseq(Task& task, TrapFrame& frame, int signo) {
  task.rseq_interrupted = false;
  if (!LeaveSection(task, frame).ok()) {
    ForceSegv(task, signo);
  }
}

}  // namespace fv::guest
