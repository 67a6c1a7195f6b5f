// SPDX-License-Identifier: Apache-2.0
//
// See kernel_log.h.
#include "guest/lib/kernel_log.h"

#include <new>

#include "guest/lib/print.h"
#include "guest/lib/string.h"

namespace fv::guest {
namespace {

constexpr uint64_t kNsPerUs = 1'000;
constexpr uint64_t kUsPerSecond = 1'000'000;

}  // namespace

// Made by whoever has something to say first: there are no static constructors.
KernelLog& SystemLog() {
  alignas(KernelLog) static constinit unsigned char bytes[sizeof(KernelLog)]{};
  static constinit bool made = false;
  if (!made) {
    made = true;
    new (bytes) KernelLog();
  }
  return *reinterpret_cast<KernelLog*>(bytes);
}

void KernelLog::Append(uint8_t priority, uint64_t time_ns, const char* text, size_t length) {
  LogRecord& record = records_[next_ % kRecords];
  if (length > 0 && text[length - 1] == '\n') {
    --length;
  }
  record.length = static_cast<uint16_t>(length < sizeof record.text ? length : sizeof record.text);
  record.priority = priority;
  record.time_ns = time_ns;
  memcpy(record.text, text, record.length);
  ++next_;
  appended.WakeAll();
}

size_t FormatLogRecord(const LogRecord& record, char* out, size_t capacity) {
  const uint64_t us = record.time_ns / kNsPerUs;
  size_t done = 0;
  size_t at = 0;
  do {
    size_t end = at;
    while (end < record.length && record.text[end] != '\n') {
      ++end;
    }
    const size_t room = capacity - done;
    const size_t bytes =
        Format(out + done, room, "<%u>[%5lu.%06lu] %.*s\n", unsigned{record.priority},
               us / kUsPerSecond, us % kUsPerSecond, static_cast<int>(end - at), record.text + at);
    if (bytes >= room) {
      break;
    }
    done += bytes;
    at = end + 1;
  } while (at < record.length);
  return done;
}

}  // namespace fv::guest
