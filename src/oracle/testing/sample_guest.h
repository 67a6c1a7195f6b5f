// SPDX-License-Identifier: Apache-2.0
//
// A small valid guest with one of everything that an invariant is about: init, a process with file,
// private, shared and read-only mappings, its forked child, and a thread.
#pragma once

#include "src/oracle/testing/guest_builder.h"

namespace fv::oracle::testing {

inline constexpr uint64_t kTextAt = 0x400000;
inline constexpr uint64_t kDataAt = 0x600000;
inline constexpr uint64_t kHeapAt = 0x10000000;
inline constexpr uint64_t kSharedAt = 0x7f0000000;
inline constexpr uint64_t kReadOnlyAt = 0x7f8000000;
inline constexpr uint64_t kPrivatePages = 8;

struct SampleGuest {
  explicit SampleGuest(uint64_t ram_bytes = uint64_t{32} << 20);

  GuestBuilder guest;
  GuestPtr file = 0;    // object of text and data
  GuestPtr shared = 0;  // object of the shared mapping
  GuestPtr parent = 0;  // pid 2
  GuestPtr child = 0;   // pid 3, forked from 2; their heaps share frames
  GuestPtr thread = 0;  // pid 4, in 2's group
  GuestPtr inner = 0;   // pid 5, 1 in the namespace `space`; leads a session
  GuestPtr space = 0;   // below the initial namespace
  GuestPtr mm = 0;      // of 2 and 4
  GuestPtr child_mm = 0;
  GuestPtr text = 0, data = 0, heap = 0, shm = 0, rodata = 0;  // VMAs of `mm`
};

}  // namespace fv::oracle::testing
