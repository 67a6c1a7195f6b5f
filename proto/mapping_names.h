// SPDX-License-Identifier: Apache-2.0
//
// What file mappings are called, as /proc/PID/maps shows it: the kernel's own names, which the host
// follows from a mapping up to the root. Apart from records.h, since few need it. As there, these
// are the kernel's objects, not copies.
#pragma once

#include <cstdint>

#include "proto/records.h"

namespace fv::proto {

enum NameFlag : uint32_t {
  kNameUnlinked = 1u << 0,  // shown with " (deleted)" behind it
};

// A name in a directory, or one without a place ("memfd:x"); lives as long as a mapping shows it.
struct NameRecord {
  uint64_t magic;        // kNameMagic
  GuestPtr text;         // 0: no text
  uint32_t length;       // bytes of text, without a NUL
  uint32_t flags;        // NameFlag
  GuestPtr directory;    // NameRecord of the directory; 0: a root, or a name without a place
  GuestPtr mount_point;  // of a mounted root: the NameRecord that it covers; 0 otherwise
};
inline constexpr uint64_t kNameMagic = 0x454D414E52504B46;
// No name is longer (NAME_MAX).
inline constexpr uint32_t kMostNameBytes = 255;
static_assert(sizeof(NameRecord) == 40);

// What every VmaRecord is the beginning of.
struct NamedVmaRecord : VmaRecord {
  GuestPtr name;  // NameRecord of a file mapping; 0: none
};
static_assert(sizeof(NamedVmaRecord) == 152);

}  // namespace fv::proto
