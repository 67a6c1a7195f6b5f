// SPDX-License-Identifier: Apache-2.0
//
// See proc_sysctl.h.
#include "guest/fs/proc_sysctl.h"

namespace fv::guest {
namespace {

constexpr uint64_t kNoDigit = 16;

uint64_t DigitOf(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<uint64_t>(c - '0');
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<uint64_t>(lower - 'a') + 10 : kNoDigit;
}

}  // namespace

Result<uint64_t> ParseSysctl(const char* text, size_t length, uint64_t least, uint64_t most) {
  size_t at = 0;
  while (at < length && IsSpace(text[at])) {
    ++at;
  }
  uint64_t base = 10;
  if (length - at > 2 && text[at] == '0' && (text[at + 1] | 0x20) == 'x') {
    base = 16;
    at += 2;
  }
  const size_t first = at;
  uint64_t value = 0;
  for (; at < length && DigitOf(text[at]) < base; ++at) {
    if (__builtin_mul_overflow(value, base, &value) ||
        __builtin_add_overflow(value, DigitOf(text[at]), &value)) {
      return Error(EINVAL);
    }
  }
  if (at == first || (at < length && !IsSpace(text[at])) || value < least || value > most) {
    return Error(EINVAL);
  }
  return value;
}

}  // namespace fv::guest
