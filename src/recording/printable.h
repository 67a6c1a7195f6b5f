// SPDX-License-Identifier: Apache-2.0
//
// Names that come from the guest or its user, who may put any bytes there: a protobuf string is
// UTF-8.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace fv::recording {

// '?' for everything that is not printable ASCII.
inline std::string Printable(std::string_view name) {
  std::string text(name);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// Of a field with room for so many bytes: up to the first NUL.
template <size_t kBytes>
std::string Printable(const char (&name)[kBytes]) {
  return Printable(std::string_view(name, ::strnlen(name, kBytes)));
}

}  // namespace fv::recording
