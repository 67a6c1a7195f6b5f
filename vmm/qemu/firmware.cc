// SPDX-License-Identifier: Apache-2.0
//
// Fills the firmware's parameters.
#include "vmm/qemu/firmware.h"

#include <cstring>

#include "proto/layout.h"
#include "vmm/error.h"

namespace fv::vmm::qemu {
namespace {

constexpr uint64_t kTimerHz = 1'193'182;
constexpr uint64_t kLongestCount = 0xFFFF;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

template <typename T>
void Put(std::vector<uint8_t>& image, size_t offset, T value) {
  std::memcpy(image.data() + offset, &value, sizeof(value));
}

void PutTable(std::vector<uint8_t>& image, size_t offset, const kvm_dtable& table) {
  Put(image, offset, table.limit);
  Put(image, offset + sizeof(table.limit), uint64_t{table.base});
}

// The timer counts 16 bits: a longer tick than 54.9 ms becomes one of 54.9 ms.
uint64_t TimerCount(uint64_t tick_ns) {
  const uint64_t longest_ns = kLongestCount * kNsPerSecond / kTimerHz;
  return tick_ns > longest_ns ? kLongestCount : tick_ns * kTimerHz / kNsPerSecond;
}

void PutMsrs(std::vector<uint8_t>& image, const std::vector<kvm_msr_entry>& msrs) {
  if (msrs.size() > FV_FW_MAX_MSRS) {
    throw VmmError(VmmErrorKind::kBadConfig, "more MSRs than the firmware has room for");
  }
  Put(image, FV_FW_MSR_COUNT, uint64_t{msrs.size()});
  size_t offset = FV_FW_MSRS;
  for (const kvm_msr_entry& msr : msrs) {
    Put(image, offset, uint64_t{msr.index});
    Put(image, offset + 8, uint64_t{msr.data});
    offset += 16;
  }
}

}  // namespace

uint64_t DescriptorOf(const kvm_segment& segment) {
  const uint64_t limit = segment.g != 0 ? segment.limit >> 12 : segment.limit;
  const uint64_t access = uint64_t{segment.type} | uint64_t{segment.s} << 4 |
                          uint64_t{segment.dpl} << 5 | uint64_t{segment.present} << 7;
  const uint64_t flags = uint64_t{segment.avl} | uint64_t{segment.l} << 1 |
                         uint64_t{segment.db} << 2 | uint64_t{segment.g} << 3;
  return (limit & 0xFFFF) | (segment.base & 0xFFFFFF) << 16 | access << 40 |
         (limit >> 16 & 0xF) << 48 | flags << 52 | (segment.base >> 24 & 0xFF) << 56;
}

std::vector<uint8_t> MakeFirmware(std::span<const uint8_t> code, const CpuState& state,
                                  const FirmwarePlan& plan) {
  if (code.size() != FV_FIRMWARE_BYTES) {
    throw VmmError(VmmErrorKind::kBadImage, "the firmware has not 64 KiB");
  }
  std::vector<uint8_t> image(code.begin(), code.end());
  const kvm_sregs& sregs = state.sregs;
  Put(image, FV_FW_CR0, uint64_t{sregs.cr0});
  Put(image, FV_FW_CR4, uint64_t{sregs.cr4});
  Put(image, FV_FW_EFER, sregs.efer & ~kEferLma);  // the CPU sets LMA itself
  Put(image, FV_FW_XCR0, state.xcr0);
  Put(image, FV_FW_ENTRY, uint64_t{state.regs.rip});
  Put(image, FV_FW_RDI, uint64_t{state.regs.rdi});
  Put(image, FV_FW_MAILBOX, plan.mailbox_gva);
  Put(image, FV_FW_CS, uint64_t{sregs.cs.selector});
  Put(image, FV_FW_SS, uint64_t{sregs.ss.selector});
  Put(image, FV_FW_TR, uint64_t{sregs.tr.selector});
  PutTable(image, FV_FW_GDT, sregs.gdt);
  PutTable(image, FV_FW_IDT, sregs.idt);
  Put(image, FV_FW_TIMER_COUNT, TimerCount(plan.tick_ns));
  PutMsrs(image, state.msrs);
  Put(image, FV_FW_ROOT + size_t{proto::kKernelPml4Slot} * sizeof(uint64_t), plan.window_entry);
  return image;
}

}  // namespace fv::vmm::qemu
