// SPDX-License-Identifier: Apache-2.0
//
// Guest kernels of a few instructions, written in assembly in the test that needs them and copied
// into an ELF image by TinyKernel. Every one begins with the doorbell's address in RBX, the
// channel's in RBP and boot info in RDI. Position-independent; the data page is at kTinyData.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/boot_info.h"
#include "proto/channel.h"
#include "proto/layout.h"
#include "vmm/testing/elf_builder.h"

namespace fv::vmm::testing {

// Offsets that the assembly below spells as numbers.
static_assert(offsetof(proto::BootInfo, ram_bytes) == 24);
static_assert(offsetof(proto::BootInfo, channel_gpa) == 48);

// A page in the writable segment that nothing else uses.
inline constexpr uint64_t kTinyData = proto::DirectMap(proto::kStubEndPhys);

// Declares the function NAME(), the code as bytes. Instructions in AT&T syntax.
#define FV_TINY_GUEST(name, code)                                               \
  extern "C" const uint8_t name##_begin[];                                      \
  extern "C" const uint8_t name##_end[];                                        \
  asm(".pushsection .rodata." #name                                             \
      ",\"a\",@progbits\n"                                                      \
      ".globl " #name "_begin, " #name "_end\n" #name                           \
      "_begin:\n"                                                               \
      "movabs $0x700000000000, %rax\n"                                          \
      "mov 24(%rdi), %rbx\n"                                                    \
      "add %rax, %rbx\n"                                                        \
      "mov 48(%rdi), %rbp\n"                                                    \
      "add %rax, %rbp\n" code "\n" #name                                        \
      "_end:\n"                                                                 \
      ".popsection\n");                                                         \
  inline std::vector<uint8_t> name() {                                          \
    return ::fv::vmm::testing::TinyKernel(std::span(name##_begin, name##_end)); \
  }

}  // namespace fv::vmm::testing
