// SPDX-License-Identifier: Apache-2.0
//
// CopyPage and ZeroPage, for the kernel and for hosted tests.

#include "guest/lib/sanitize.h"
#include "guest/lib/string.h"
#include "proto/layout.h"

namespace fv::guest {

void CopyPage(void* to, const void* from) {
  sanitize::CheckRead(from, proto::kPageBytes);
  sanitize::CheckWrite(to, proto::kPageBytes);
  size_t words = proto::kPageBytes / sizeof(uint64_t);
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

void ZeroPage(void* page) {
  sanitize::CheckWrite(page, proto::kPageBytes);
  size_t words = proto::kPageBytes / sizeof(uint64_t);
  asm volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0) : "memory");
}

}  // namespace fv::guest
