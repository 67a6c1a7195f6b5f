// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a page: a hash of them, and how two pages differ. One pass over 512 words, as fast
// as the CPU reads them, because a check of a fork may look at every page of a process.
#pragma once

#include <cstdint>

namespace fv::oracle {

// 4096 bytes at an 8-byte aligned address. Never 0. Equal for equal bytes in this process only.
uint64_t HashOfPage(const uint64_t* words);

// Number of 8-byte words in which two pages differ.
unsigned CountDifferentWords(const uint64_t* a, const uint64_t* b);

// Number of words of a page that are not zero.
unsigned CountNonZeroWords(const uint64_t* words);

}  // namespace fv::oracle
