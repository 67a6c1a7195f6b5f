// SPDX-License-Identifier: Apache-2.0
//
// What is at an address that may not be accessed: from its shadow, the frame table, notes.
#pragma once

#include <cstdint>

#include "guest/sanitize/notes.h"
#include "guest/sanitize/text.h"

namespace fv::guest::sanitize {

struct Description {
  const char* kind = "";
  char place[96] = {};  // may be empty
  Site allocated{};     // no callers: unknown
  Site freed{};
};

Description Describe(uint64_t address);
// "; NAME PID CODE..." if the site is known.
void AddSite(Text& text, const char* name, const Site& site);

}  // namespace fv::guest::sanitize
