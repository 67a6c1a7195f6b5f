// SPDX-License-Identifier: Apache-2.0
//
// GDT, IDT and TSS in the stub's pages (Intel SDM vol. 3, chapters 3, 6 and 7), and the page tables
// by which process roots see the stub in ring 3. The hypervisor has already loaded GDTR, IDTR
// and TR with these addresses; the CPU reads the tables from the first trap on.

#include "guest/arch/descriptors.h"

#include "guest/arch/stub.h"
#include "proto/layout.h"
#include "proto/pte.h"

namespace fv::guest {
namespace {

using proto::DirectMap;

// Descriptor access bytes, present and already accessed, so that the CPU never writes the GDT.
constexpr uint64_t kCode64Ring0 = 0x00AF'9B00'0000'FFFF;
constexpr uint64_t kData64Ring0 = 0x00CF'9300'0000'FFFF;
constexpr uint64_t kData64Ring3 = 0x00CF'F300'0000'FFFF;
constexpr uint64_t kCode64Ring3 = 0x00AF'FB00'0000'FFFF;
constexpr uint64_t kTssBusyType = 0x8B;  // present, 64-bit TSS, busy
constexpr uint64_t kTssBytes = 0x68;

constexpr unsigned kVectorNmi = 2;
constexpr unsigned kVectorBreakpoint = 3;
constexpr unsigned kVectorDoubleFault = 8;
constexpr unsigned kVectorPageFault = 14;
constexpr unsigned kVectorMachineCheck = 18;
constexpr unsigned kVectors = FV_VECTOR_TICK + 1;

struct [[gnu::packed]] Tss {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7];
  uint64_t reserved2;
  uint16_t reserved3;
  uint16_t io_map_base;
};
static_assert(sizeof(Tss) == kTssBytes);

struct Gate {
  uint64_t low;
  uint64_t high;
};

extern "C" {
extern const char fv_stub_page_fault[];
extern const char fv_stub_breakpoint[];
extern const char fv_stub_vectors[];
extern const char fv_vectors_ring0[];
}

Tss& TheTss() { return *reinterpret_cast<Tss*>(DirectMap(proto::kStubTssPhys)); }

Gate InterruptGate(const char* handler, unsigned dpl, unsigned ist) {
  const uint64_t address = reinterpret_cast<uint64_t>(handler);
  constexpr uint64_t kPresentInterruptGate = 0x8E00;
  return {(address & 0xFFFF) | uint64_t{FV_SEL_KERNEL_CODE} << 16 |
              (kPresentInterruptGate | uint64_t{dpl} << 13 | ist) << 32 |
              (address >> 16 & 0xFFFF) << 48,
          address >> 32};
}

const char* Handler(unsigned vector, unsigned kernel_ring) {
  if (kernel_ring == 0) {
    return fv_vectors_ring0 + size_t{16} * vector;
  }
  switch (vector) {
    case kVectorPageFault:
      return fv_stub_page_fault;
    case kVectorBreakpoint:
      return fv_stub_breakpoint;
    default:
      return fv_stub_vectors + size_t{32} * vector;
  }
}

void FillGdt() {
  auto* gdt = reinterpret_cast<uint64_t*>(DirectMap(proto::kStubGdtPhys));
  gdt[FV_SEL_KERNEL_CODE / 8] = kCode64Ring0;
  gdt[FV_SEL_KERNEL_DATA / 8] = kData64Ring0;
  // The slot before the user's data, which STAR's arithmetic skips, is Linux's 32-bit code. It
  // stays empty: there are no 32-bit programs, and no SYSCALL from compatibility mode has to be
  // right.
  gdt[FV_SEL_USER_DATA / 8] = kData64Ring3;
  gdt[FV_SEL_USER_CODE / 8] = kCode64Ring3;
  const uint64_t tss = DirectMap(proto::kStubTssPhys);
  gdt[FV_SEL_TSS / 8] =
      (kTssBytes - 1) | (tss & 0xFFFFFF) << 16 | kTssBusyType << 40 | (tss >> 24 & 0xFF) << 56;
  gdt[FV_SEL_TSS / 8 + 1] = tss >> 32;
}

void FillIdt(unsigned kernel_ring) {
  auto* idt = reinterpret_cast<Gate*>(DirectMap(proto::kStubIdtPhys));
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    // INT3 and INTO may be raised by an instruction of the user.
    const unsigned dpl = vector == kVectorBreakpoint || vector == kVectorBreakpoint + 1 ? 3 : 0;
    const bool own_stack = kernel_ring == 0 ? UsesLastStack(vector) : vector == kVectorDoubleFault;
    const unsigned ist = own_stack ? 1 : 0;
    idt[vector] = InterruptGate(Handler(vector, kernel_ring), dpl, ist);
  }
}

alignas(16) constinit uint8_t last_stack[4096] = {};

// The stub's pages for process roots in ring 3, supervisor only.
alignas(4096) constinit uint64_t stub_pdpt[proto::kEntriesPerTable] = {};
alignas(4096) constinit uint64_t stub_pd[proto::kEntriesPerTable] = {};
alignas(4096) constinit uint64_t stub_pt[proto::kEntriesPerTable] = {};

constexpr proto::Pte kTable = proto::kPtePresent | proto::kPteWritable | proto::kPteAccessed;

uint64_t PhysOf(const void* address) {
  return proto::PhysOfDirectMap(reinterpret_cast<uint64_t>(address));
}

void MapStub(uint64_t gpa, proto::Pte flags) {
  stub_pt[proto::TableIndex(DirectMap(gpa), 1)] =
      gpa | proto::kPtePresent | proto::kPteAccessed | flags;
}

void FillStubTables() {
  const uint64_t base = DirectMap(proto::kStubTextPhys);
  stub_pdpt[proto::TableIndex(base, 3)] = PhysOf(stub_pd) | kTable;
  stub_pd[proto::TableIndex(base, 2)] = PhysOf(stub_pt) | kTable;
  MapStub(proto::kStubTextPhys, 0);
  MapStub(proto::kStubGdtPhys, proto::kPteNoExecute | proto::kPteWritable | proto::kPteDirty);
  MapStub(proto::kStubIdtPhys, proto::kPteNoExecute);
  MapStub(proto::kStubDataPhys, proto::kPteNoExecute | proto::kPteWritable | proto::kPteDirty);
}

}  // namespace

void InitDescriptors(unsigned kernel_ring) {
  FillGdt();
  FillIdt(kernel_ring);
  FillStubTables();
  Tss& tss = TheTss();
  tss.rsp[0] = FV_STUB_DATA + FV_STUB_TRAP_STACK_TOP;
  tss.ist[0] = kernel_ring == 0 ? reinterpret_cast<uint64_t>(last_stack + sizeof last_stack)
                                : FV_STUB_DATA + FV_STUB_DOUBLE_FAULT_TOP;
  tss.io_map_base = kTssBytes;  // no I/O permission map
}

bool UsesLastStack(uint64_t vector) {
  return vector == kVectorNmi || vector == kVectorDoubleFault || vector == kVectorMachineCheck;
}

void SetTrapStack(uint64_t top) { TheTss().rsp[0] = top; }

proto::Pte StubWindowEntry() { return PhysOf(stub_pdpt) | kTable; }

}  // namespace fv::guest
