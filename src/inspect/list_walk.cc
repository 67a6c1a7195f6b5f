// SPDX-License-Identifier: Apache-2.0
//
// The one piece of the list walk that is not a template.
#include "src/inspect/list_walk.h"

#include <cstdio>

namespace fv::inspect {

std::string Hex(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace fv::inspect
