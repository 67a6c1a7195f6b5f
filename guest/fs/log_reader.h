// SPDX-License-Identifier: Apache-2.0
//
// Reading the kernel's log: what syslog(2) and /proc/kmsg share - one position for the whole system
// from which messages are taken, and one from which they are shown - and the files /proc/kmsg and
// /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/file.h"
#include "guest/lib/result.h"

namespace fv::guest {

// /proc/sys/kernel/dmesg_restrict: reading needs CAP_SYSLOG.
inline uint64_t dmesg_restricted = 1;

// What is asked for: restricted at all times, or only if dmesg_restricted says so.
enum class LogAccess { kPrivileged, kShow };
// Errors: EPERM.
Status MayUseLog(LogAccess access);

// Takes messages that nobody has taken yet; sleeps until there is one. Whole messages, but for a
// buffer that is smaller than the first. Errors: EFAULT, kErestartSys.
Result<uint64_t> TakeLog(IoBuffer& to);
// Copies the newest messages that fit, of those since the last clearing. Errors: EFAULT.
enum class LogClearing { kKeep, kClear };
Result<uint64_t> ShowLog(IoBuffer& to, LogClearing clearing);
void ClearLog();
// The first message since the last clearing that is still there.
uint64_t FirstShownLog();
// Bytes that TakeLog() would give.
uint64_t UntakenLogBytes();

// /proc/kmsg: TakeLog as a file. Errors: EPERM, ENOMEM.
Result<Ref<File>> OpenProcKmsg(Ref<Dentry> dentry, uint32_t flags);
// /dev/kmsg: every open file reads on its own, a record at a time. Errors: EPERM, ENOMEM.
Result<Ref<File>> OpenDevKmsg(Ref<Dentry> dentry, uint32_t flags);

}  // namespace fv::guest
