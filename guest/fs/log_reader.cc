// SPDX-License-Identifier: Apache-2.0
//
// The reader's positions that the whole system shares. See log_reader.h.
#include "guest/fs/log_reader.h"

#include <linux/capability.h>

#include "guest/fs/task_hooks.h"
#include "guest/lib/credentials.h"
#include "guest/lib/kernel_log.h"

namespace fv::guest {
namespace {

struct Positions {
  uint64_t next = 0;     // the record to take next
  size_t taken = 0;      // bytes of it that a small buffer has got already
  uint64_t cleared = 0;  // the first record that is shown
};
constinit Positions positions;

// Records that the ring has dropped count as read.
void SkipLost() {
  const uint64_t first = SystemLog().first();
  if (positions.next < first) {
    positions.next = first;
    positions.taken = 0;
  }
  positions.cleared = positions.cleared < first ? first : positions.cleared;
}

size_t TextBytes(uint64_t sequence) {
  char text[kLogTextMax];
  return FormatLogRecord(SystemLog().At(sequence), text, sizeof(text));
}

}  // namespace

Status MayUseLog(LogAccess access) {
  const bool needs = access == LogAccess::kPrivileged || dmesg_restricted != 0;
  return needs && !CurrentCredentials().Capable(CAP_SYSLOG) ? Status(Error(EPERM)) : Ok();
}

Result<uint64_t> TakeLog(IoBuffer& to) {
  const KernelLog& log = SystemLog();
  TRY(WaitUntil(SystemLog().appended, kNoDeadline, [&] { return positions.next < log.next(); }));
  SkipLost();
  const size_t before = to.done();
  while (positions.next < log.next() && to.remaining() > 0) {
    char text[kLogTextMax];
    const size_t length = FormatLogRecord(log.At(positions.next), text, sizeof(text));
    const size_t start = positions.taken;
    size_t bytes = length - start;
    if (bytes <= to.remaining()) {
      ++positions.next;
      positions.taken = 0;
    } else if (to.done() == before) {
      bytes = to.remaining();
      positions.taken += bytes;
    } else {
      break;
    }
    if (to.CopyOut(text + start, bytes) != bytes) {
      break;
    }
  }
  return to.Outcome();
}

Result<uint64_t> ShowLog(IoBuffer& to, LogClearing clearing) {
  const KernelLog& log = SystemLog();
  SkipLost();
  uint64_t bytes = 0;
  uint64_t sequence = log.next();
  while (sequence > positions.cleared) {
    bytes += TextBytes(sequence - 1);
    if (bytes > to.remaining()) {
      break;
    }
    --sequence;
  }
  for (; sequence < log.next(); ++sequence) {
    char text[kLogTextMax];
    const size_t length = FormatLogRecord(log.At(sequence), text, sizeof(text));
    if (to.CopyOut(text, length) != length) {
      return Error(EFAULT);
    }
  }
  if (clearing == LogClearing::kClear) {
    ClearLog();
  }
  return uint64_t{to.done()};
}

void ClearLog() { positions.cleared = SystemLog().next(); }

uint64_t UntakenLogBytes() {
  SkipLost();
  uint64_t bytes = 0;
  for (uint64_t at = positions.next; at < SystemLog().next(); ++at) {
    bytes += TextBytes(at);
  }
  return bytes - positions.taken;
}

uint64_t FirstShownLog() {
  SkipLost();
  return positions.cleared;
}

}  // namespace fv::guest
