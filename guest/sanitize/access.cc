// SPDX-License-Identifier: Apache-2.0
//
// What Clang's code calls: before every load and store, for stacks, before what does not return
// (LLVM 14, AddressSanitizer.cpp, with CompileKernel).
#include "guest/arch/arch.h"
#include "guest/lib/sanitize.h"
#include "guest/sanitize/report.h"
#include "guest/sanitize/shadow.h"

namespace fv::guest::sanitize {
namespace {

[[gnu::noinline]] void Refuse(uint64_t address, size_t bytes, Access access, const void* frame) {
  if (FirstPoisoned(address, bytes) != 0) {
    ReportAccess(address, bytes, access, frame);
  }
}

// At most 8 bytes: they are in one granule or two.
[[gnu::always_inline]] inline void Check(uint64_t address, size_t bytes, Access access) {
  const uint64_t last = address + bytes - 1;
  if (HasShadow(address) && HasShadow(last)) [[likely]] {
    const uint8_t first_shadow = *ShadowOf(address);
    const uint8_t last_shadow = *ShadowOf(last);
    if ((first_shadow | last_shadow) == 0) [[likely]] {
      return;
    }
  }
  Refuse(address, bytes, access, __builtin_frame_address(0));
}

}  // namespace

void CheckRange(const void* memory, size_t bytes, Access access, const void* frame) {
  Refuse(reinterpret_cast<uint64_t>(memory), bytes, access, frame);
}

}  // namespace fv::guest::sanitize

using fv::guest::sanitize::Access;
using fv::guest::sanitize::Check;

extern "C" {

#define FV_ACCESS(bytes)                                                                        \
  void __asan_load##bytes##_noabort(uint64_t address);                                          \
  void __asan_load##bytes##_noabort(uint64_t address) { Check(address, bytes, Access::kRead); } \
  void __asan_store##bytes##_noabort(uint64_t address);                                         \
  void __asan_store##bytes##_noabort(uint64_t address) { Check(address, bytes, Access::kWrite); }
FV_ACCESS(1)
FV_ACCESS(2)
FV_ACCESS(4)
FV_ACCESS(8)
#undef FV_ACCESS

#define FV_ACCESS_RANGE(name, parameters, bytes, access)                             \
  void name parameters;                                                              \
  void name parameters {                                                             \
    fv::guest::sanitize::Refuse(address, bytes, access, __builtin_frame_address(0)); \
  }
FV_ACCESS_RANGE(__asan_load16_noabort, (uint64_t address), 16, Access::kRead)
FV_ACCESS_RANGE(__asan_store16_noabort, (uint64_t address), 16, Access::kWrite)
FV_ACCESS_RANGE(__asan_loadN_noabort, (uint64_t address, size_t bytes), bytes, Access::kRead)
FV_ACCESS_RANGE(__asan_storeN_noabort, (uint64_t address, size_t bytes), bytes, Access::kWrite)
#undef FV_ACCESS_RANGE

// `shadow` bytes of a stack frame.
#define FV_SET_SHADOW(value)                                      \
  void __asan_set_shadow_##value(uint8_t* shadow, size_t bytes);  \
  void __asan_set_shadow_##value(uint8_t* shadow, size_t bytes) { \
    fv::guest::sanitize::Fill(shadow, 0x##value, bytes);          \
  }
FV_SET_SHADOW(00)
FV_SET_SHADOW(f1)
FV_SET_SHADOW(f2)
FV_SET_SHADOW(f3)
FV_SET_SHADOW(f5)
FV_SET_SHADOW(f8)
#undef FV_SET_SHADOW

void __asan_poison_stack_memory(uint64_t address, size_t bytes);
void __asan_poison_stack_memory(uint64_t address, size_t bytes) {
  fv::guest::sanitize::SetPoison(address, bytes + fv::guest::sanitize::kGranule - 1,
                                 fv::guest::sanitize::kAfterScope);
}
void __asan_unpoison_stack_memory(uint64_t address, size_t bytes);
void __asan_unpoison_stack_memory(uint64_t address, size_t bytes) {
  fv::guest::sanitize::Unpoison(address, bytes);
}

// Functions that are left for good do not take back what they did to the stack: the way to user
// code, above all. What is above us is clean again.
void __asan_handle_no_return();
void __asan_handle_no_return() {
  const auto from =
      reinterpret_cast<uint64_t>(__builtin_frame_address(0)) & ~(fv::guest::sanitize::kGranule - 1);
  const uint64_t end = fv::guest::CurrentStackBase() + fv::proto::kKernelStackBytes;
  fv::guest::sanitize::Unpoison(from, end - from);
}

}  // extern "C"
