// SPDX-License-Identifier: Apache-2.0
//
// The kernel's log: the last messages of Log() and of writers to /dev/kmsg, in a ring of records of
// one size (Linux: the printk ring buffer). A record has a sequence number that never comes again;
// readers keep the one that they read next and find out by it what they missed.
// Locking: one vCPU; interrupts are off in kernel code. Append() allocates nothing and may be
// called from anywhere.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/wait_queue.h"

namespace fv::guest {

// Levels of syslog(2), the most urgent first.
inline constexpr uint8_t kLogError = 3;
inline constexpr uint8_t kLogWarning = 4;
inline constexpr uint8_t kLogInfo = 6;
inline constexpr uint8_t kLogDebug = 7;

struct LogRecord {
  uint64_t time_ns;  // monotonic
  uint16_t length;   // of text
  uint8_t priority;  // facility * 8 + level
  uint8_t reserved;
  char text[244];  // without the newline at its end; may have others
};
static_assert(sizeof(LogRecord) == 256);

// The console's levels, in the order of /proc/sys/kernel/printk.
struct LogLevels {
  uint64_t console = 7;  // what is more urgent than this is shown on the console
  uint64_t message = kLogWarning;
  uint64_t least_console = 1;
  uint64_t default_console = 7;
};

class KernelLog {
 public:
  static constexpr uint64_t kRecords = 64;

  // Cuts the text where a record is full; a newline at its end is dropped. Wakes readers.
  void Append(uint8_t priority, uint64_t time_ns, const char* text, size_t length);

  uint64_t first() const { return next_ < kRecords ? 0 : next_ - kRecords; }  // the oldest kept
  uint64_t next() const { return next_; }  // what the next message will have
  // REQUIRES: first() <= sequence < next().
  const LogRecord& At(uint64_t sequence) const { return records_[sequence % kRecords]; }
  // A message of this priority belongs on the console.
  bool ForConsole(uint8_t priority) const { return (priority & 7u) < levels.console; }

  LogLevels levels;
  WaitQueue appended;

 private:
  LogRecord records_[kRecords] = {};
  uint64_t next_ = 0;
};

KernelLog& SystemLog();

// The text of a record as syslog(2) gives it, "<4>[    0.123456] text\n" for each of its lines, cut
// after the last line that fits. Returns its length.
size_t FormatLogRecord(const LogRecord& record, char* out, size_t capacity);
inline constexpr size_t kLogTextMax = 1024;

}  // namespace fv::guest
