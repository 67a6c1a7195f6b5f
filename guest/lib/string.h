// SPDX-License-Identifier: Apache-2.0
//
// Memory and string primitives. The compiler emits calls to memcpy, memmove, memset and memcmp in
// freestanding code; string.cc has them. CopyPage and ZeroPage are the two that matter for speed.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
void* memcpy(void* to, const void* from, size_t bytes);
void* memmove(void* to, const void* from, size_t bytes);
void* memset(void* to, int byte, size_t bytes);
int memcmp(const void* a, const void* b, size_t bytes);
size_t strlen(const char* text);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t bytes);
}

namespace fv::guest {

// 4 KiB, page aligned, not overlapping.
void CopyPage(void* to, const void* from);
void ZeroPage(void* page);

}  // namespace fv::guest
