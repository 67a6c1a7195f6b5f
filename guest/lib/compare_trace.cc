// SPDX-License-Identifier: Apache-2.0
//
// Comparisons of kernels that count: how near they were to be equal (docs/fuzzing.md). Clang's
// SanitizerCoverage ("tracing data flow") calls these before each comparison of integers. A byte is
// set for a place in the code and the highest bit in which its operands differed; the host reads
// them (src/coverage/kernel_blocks.h). In the kernel that users get this file is empty.
#ifdef FV_COVERAGE
#include <cstddef>
#include <cstdint>

namespace {

constexpr size_t kPlaces = size_t{1} << 16;

[[gnu::section("fv_compares"), gnu::used]] constinit uint8_t compares[kPlaces] = {};

// These run before nearly every branch: a kernel that checks itself does not check them.
#define FV_UNCHECKED_TRACE __attribute__((no_sanitize("kernel-address", "undefined")))

// Equal operands are not noted: the block behind the comparison has a counter.
FV_UNCHECKED_TRACE inline void Note(const void* caller, uint64_t a, uint64_t b) {
  const uint64_t difference = a ^ b;
  if (difference == 0) {
    return;
  }
  const auto highest = static_cast<uint64_t>(63 - __builtin_clzll(difference));
  const uint64_t place = reinterpret_cast<uint64_t>(caller) * 64 + highest;
  compares[place * 0x9E3779B97F4A7C15 >> 48] = 1;
}

}  // namespace

#define FV_TRACE(name, type) \
  void name(type a, type b); \
  FV_UNCHECKED_TRACE void name(type a, type b) { Note(__builtin_return_address(0), a, b); }

extern "C" {
FV_TRACE(__sanitizer_cov_trace_cmp1, uint8_t)
FV_TRACE(__sanitizer_cov_trace_cmp2, uint16_t)
FV_TRACE(__sanitizer_cov_trace_cmp4, uint32_t)
FV_TRACE(__sanitizer_cov_trace_cmp8, uint64_t)
FV_TRACE(__sanitizer_cov_trace_const_cmp1, uint8_t)
FV_TRACE(__sanitizer_cov_trace_const_cmp2, uint16_t)
FV_TRACE(__sanitizer_cov_trace_const_cmp4, uint32_t)
FV_TRACE(__sanitizer_cov_trace_const_cmp8, uint64_t)

// The blocks of a switch have counters.
void __sanitizer_cov_trace_switch(uint64_t value, const uint64_t* cases);
void __sanitizer_cov_trace_switch(uint64_t /*value*/, const uint64_t* /*cases*/) {}
}
#endif
