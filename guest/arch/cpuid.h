// SPDX-License-Identifier: Apache-2.0
//
// The feature words of CPUID that a program's auxiliary vector repeats (getauxval(3)). CPUID traps
// to the hypervisor: ask once and keep the answer.
#pragma once

#include <cstdint>

namespace fv::guest {

struct CpuidWords {
  uint32_t eax, ebx, ecx, edx;
};

inline CpuidWords Cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  CpuidWords words;
  asm volatile("cpuid"
               : "=a"(words.eax), "=b"(words.ebx), "=c"(words.ecx), "=d"(words.edx)
               : "a"(leaf), "c"(subleaf));
  return words;
}

}  // namespace fv::guest
