// SPDX-License-Identifier: Apache-2.0
//
// st_mode: type and permission bits (inode(7)). The kernel's own names, because <linux/stat.h>
// hides its macros when a header of the C library came first.
#pragma once

#include <cstdint>

namespace fv::guest {

inline constexpr uint32_t kTypeMask = 0170000;
inline constexpr uint32_t kTypeFifo = 0010000;
inline constexpr uint32_t kTypeCharDevice = 0020000;
inline constexpr uint32_t kTypeDirectory = 0040000;
inline constexpr uint32_t kTypeBlockDevice = 0060000;
inline constexpr uint32_t kTypeRegular = 0100000;
inline constexpr uint32_t kTypeSymlink = 0120000;
inline constexpr uint32_t kTypeSocket = 0140000;

inline constexpr uint32_t kModeSetUid = 04000;
inline constexpr uint32_t kModeSetGid = 02000;
inline constexpr uint32_t kModeSticky = 01000;
inline constexpr uint32_t kModeGroupExec = 0010;
inline constexpr uint32_t kModePermissions = 07777;

// st_dev and st_rdev as the system calls encode them (makedev(3)).
constexpr uint64_t MakeDevice(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (major & 0xfff) << 8 | (uint64_t{minor} & ~0xffull) << 12 |
         (uint64_t{major} & ~0xfffull) << 32;
}
constexpr uint32_t DeviceMajor(uint64_t device) {
  return static_cast<uint32_t>((device >> 8 & 0xfff) | (device >> 32 & ~0xfffull));
}
constexpr uint32_t DeviceMinor(uint64_t device) {
  return static_cast<uint32_t>((device & 0xff) | (device >> 12 & ~0xffull));
}

}  // namespace fv::guest
