// SPDX-License-Identifier: Apache-2.0
//
// What the system says of itself (uname(2)).
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::guest {

inline constexpr size_t kUtsFieldBytes = 65;

struct Utsname {  // struct new_utsname
  char system[kUtsFieldBytes];
  char node[kUtsFieldBytes];
  char release[kUtsFieldBytes];
  char version[kUtsFieldBytes];
  char machine[kUtsFieldBytes];
  char domain[kUtsFieldBytes];
};
static_assert(sizeof(Utsname) == 390);

// The names at boot. Each uts namespace has its own (guest/task/namespaces.h).
const Utsname& FirstSystemName();
// `name` as a task sees it whose personality(2) asks for an old release or another machine.
Utsname NameSeenWith(uint32_t personality, const Utsname& name);

}  // namespace fv::guest
