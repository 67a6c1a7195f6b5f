// SPDX-License-Identifier: Apache-2.0
//
// What the compiler calls, and the page copies. The kernel has no vector registers, so the string
// instructions are the fastest way natively; in emulated ring 0 an iteration costs what an
// instruction costs, so eight bytes an iteration is the best there too.

#include "guest/lib/string.h"

#include "guest/lib/sanitize.h"
#include "proto/layout.h"

namespace {

using fv::guest::sanitize::CheckRead;
using fv::guest::sanitize::CheckWrite;

constexpr size_t kWord = sizeof(uint64_t);

void CopyForward(void* to, const void* from, size_t bytes) {
  size_t words = bytes / kWord;
  size_t rest = bytes % kWord;
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, size_t bytes) {
  CheckRead(from, bytes);
  CheckWrite(to, bytes);
  CopyForward(to, from, bytes);
  return to;
}

void* memmove(void* to, const void* from, size_t bytes) {
  CheckRead(from, bytes);
  CheckWrite(to, bytes);
  auto* out = static_cast<uint8_t*>(to);
  const auto* in = static_cast<const uint8_t*>(from);
  if (out <= in || out >= in + bytes) {
    CopyForward(to, from, bytes);
    return to;
  }
  // Backwards a byte at a time: the volatile pointer keeps the compiler from calling memmove here.
  volatile uint8_t* end = out;
  for (size_t i = bytes; i > 0; --i) {
    end[i - 1] = in[i - 1];
  }
  return to;
}

void* memset(void* to, int byte, size_t bytes) {
  CheckWrite(to, bytes);
  const uint64_t pattern = 0x0101010101010101 * static_cast<uint8_t>(byte);
  void* at = to;
  size_t words = bytes / kWord;
  size_t rest = bytes % kWord;
  asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
  asm volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(pattern) : "memory");
  return to;
}

int memcmp(const void* a, const void* b, size_t bytes) {
  const auto* left = static_cast<const uint8_t*>(a);
  const auto* right = static_cast<const uint8_t*>(b);
  for (size_t i = 0; i < bytes; ++i) {
    if (left[i] != right[i]) {
      return left[i] < right[i] ? -1 : 1;
    }
  }
  return 0;
}

size_t strlen(const char* text) {
  const volatile char* at = text;
  while (*at != '\0') {
    ++at;
  }
  return static_cast<size_t>(at - text);
}

int strcmp(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return static_cast<uint8_t>(*a) - static_cast<uint8_t>(*b);
}

int strncmp(const char* a, const char* b, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i] || a[i] == '\0') {
      return static_cast<uint8_t>(a[i]) - static_cast<uint8_t>(b[i]);
    }
  }
  return 0;
}

}  // extern "C"
