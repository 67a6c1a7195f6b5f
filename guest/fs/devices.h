// SPDX-License-Identifier: Apache-2.0
//
// Character devices by number: /dev/null, zero, full, random, urandom, kmsg, tty, console,
// ptmx and the slaves of pseudo-terminals.
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/file.h"
#include "guest/fs/mode.h"
#include "guest/lib/result.h"

namespace fv::guest {

// Linux's numbers (Documentation/admin-guide/devices.txt).
inline constexpr uint64_t kDeviceNull = MakeDevice(1, 3);
inline constexpr uint64_t kDeviceZero = MakeDevice(1, 5);
inline constexpr uint64_t kDeviceFull = MakeDevice(1, 7);
inline constexpr uint64_t kDeviceRandom = MakeDevice(1, 8);
inline constexpr uint64_t kDeviceUrandom = MakeDevice(1, 9);
inline constexpr uint64_t kDeviceKmsg = MakeDevice(1, 11);
inline constexpr uint64_t kDeviceTty = MakeDevice(5, 0);
inline constexpr uint64_t kDeviceConsole = MakeDevice(5, 1);
inline constexpr uint64_t kDevicePtmx = MakeDevice(5, 2);

// Errors: ENXIO (no such device, or /dev/tty without a controlling terminal), ENOMEM, and
// those of pseudo-terminals (pty.h) and of the kernel's log (log_reader.h).
Result<Ref<File>> OpenDevice(uint64_t device, Ref<Dentry> dentry, uint32_t flags);
// The console's tty; in console.cc. Errors: ENOMEM.
Result<Ref<File>> OpenConsoleTty(Ref<Dentry> dentry, uint32_t flags);

}  // namespace fv::guest
