// SPDX-License-Identifier: Apache-2.0
//
// Names that come from the guest, which may put any bytes there: a protobuf string is UTF-8.
#pragma once

#include <cstddef>
#include <string>

namespace fv::recording {

// Up to the first NUL; '?' for everything that is not printable ASCII.
template <size_t kBytes>
std::string Printable(const char (&name)[kBytes]) {
  std::string text;
  for (size_t i = 0; i < kBytes && name[i] != '\0'; ++i) {
    text += name[i] < ' ' || name[i] > '~' ? '?' : name[i];
  }
  return text;
}

}  // namespace fv::recording
