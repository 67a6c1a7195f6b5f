// SPDX-License-Identifier: Apache-2.0
//
// Formatted text without a heap, and the two ways in which the kernel speaks for itself.
// Formats: %d %u %x %lx %ld %lu %p %s %c %%, with width, '0' and '-' flags, and %.*s. No floating
// point. Implemented over a sink that guest/introspect provides (the console ring), or stderr in
// hosted tests.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace fv::guest {

// Writes at most `capacity` bytes, always NUL-terminated if capacity > 0. Returns the length that
// the whole text has (snprintf's rule).
size_t FormatV(char* out, size_t capacity, const char* format, va_list arguments);
size_t Format(char* out, size_t capacity, const char* format, ...)
    __attribute__((format(printf, 3, 4)));

// A line of the kernel's log (kernel_log.h), of the default level; shown by `forkvisor run -v`. Its
// newline may be left out.
void Log(const char* format, ...) __attribute__((format(printf, 1, 2)));

// The kernel found a broken invariant of its own: tells the host and never returns. Never for
// what a user program did, never for lack of memory.
[[noreturn]] void Panic(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace fv::guest

// A condition that only a bug of the kernel can break.
#define FV_CHECK(condition)                                                               \
  do {                                                                                    \
    if (!(condition)) [[unlikely]] {                                                      \
      ::fv::guest::Panic("%s:%d: check failed: %s", __FILE_NAME__, __LINE__, #condition); \
    }                                                                                     \
  } while (false)
