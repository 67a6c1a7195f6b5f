// SPDX-License-Identifier: Apache-2.0
//
// Global variables: the compiler puts a redzone behind each and makes one function a file, a static
// constructor, that tells of them. They are the only constructors that the kernel can have
// (guest/boot/kernel.ld), and run at Init.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fv::guest::sanitize {

// The compiler's description of a variable (LLVM 14, AddressSanitizer.cpp).
struct Global {
  uint64_t start;
  size_t bytes;
  size_t bytes_with_redzone;
  const char* name;
  const char* file;
  size_t has_dynamic_initializer;
  const void* place;
  uint64_t odr_indicator;
};

void RegisterGlobals();
// The variable with `address` in it or in its redzone; null if there is none.
const Global* FindGlobal(uint64_t address);

}  // namespace fv::guest::sanitize
