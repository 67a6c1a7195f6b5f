// SPDX-License-Identifier: Apache-2.0
//
// KVM's calls for the state of a vCPU, and a comparison by name.
#include "vmm/snapshot/vcpu_state.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "vmm/cpu_state.h"
#include "vmm/error.h"
#include "vmm/ioctl.h"

namespace fv::vmm {
namespace {

std::vector<uint32_t> ListedMsrs(const Kvm& kvm) {
  struct List {
    uint32_t count;
    uint32_t indices[kMaxMsrs];
  } list{};
  static_assert(offsetof(List, indices) == offsetof(kvm_msr_list, indices));
  list.count = kMaxMsrs;
  IoctlOrThrow(kvm.fd(), KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST", &list);
  return {list.indices, list.indices + std::min<size_t>(list.count, kMaxMsrs)};
}

// How many of `list` KVM took; it stops at the first that it refuses.
size_t Msrs(const Vcpu& vcpu, unsigned long request, const char* name,
            std::vector<kvm_msr_entry>& entries) {
  KvmList<kvm_msr_entry, kMaxMsrs> list{};
  list.count = static_cast<uint32_t>(entries.size());
  std::copy(entries.begin(), entries.end(), list.entries);
  const auto taken = static_cast<size_t>(IoctlOrThrow(vcpu.fd(), request, name, &list));
  std::copy_n(list.entries, entries.size(), entries.begin());
  return taken;
}

template <typename Member>
struct Named {
  const char* name;
  Member member;
};
constexpr Named<__u64 kvm_regs::*> kGeneral[] = {
    {"rax", &kvm_regs::rax}, {"rbx", &kvm_regs::rbx}, {"rcx", &kvm_regs::rcx},
    {"rdx", &kvm_regs::rdx}, {"rsi", &kvm_regs::rsi}, {"rdi", &kvm_regs::rdi},
    {"rsp", &kvm_regs::rsp}, {"rbp", &kvm_regs::rbp}, {"r8", &kvm_regs::r8},
    {"r9", &kvm_regs::r9},   {"r10", &kvm_regs::r10}, {"r11", &kvm_regs::r11},
    {"r12", &kvm_regs::r12}, {"r13", &kvm_regs::r13}, {"r14", &kvm_regs::r14},
    {"r15", &kvm_regs::r15}, {"rip", &kvm_regs::rip}, {"rflags", &kvm_regs::rflags},
};
constexpr Named<__u64 kvm_sregs::*> kControl[] = {
    {"cr0", &kvm_sregs::cr0},
    {"cr2", &kvm_sregs::cr2},
    {"cr3", &kvm_sregs::cr3},
    {"cr4", &kvm_sregs::cr4},
    {"cr8", &kvm_sregs::cr8},
    {"efer", &kvm_sregs::efer},
    {"apic_base", &kvm_sregs::apic_base},
};
constexpr Named<kvm_segment kvm_sregs::*> kSegments[] = {
    {"cs", &kvm_sregs::cs}, {"ds", &kvm_sregs::ds},   {"es", &kvm_sregs::es},
    {"fs", &kvm_sregs::fs}, {"gs", &kvm_sregs::gs},   {"ss", &kvm_sregs::ss},
    {"tr", &kvm_sregs::tr}, {"ldt", &kvm_sregs::ldt},
};

class Comparison {
 public:
  void Word(const std::string& name, uint64_t have, uint64_t want) {
    if (have == want) return;
    char text[96];
    std::snprintf(text, sizeof(text), " is 0x%" PRIx64 ", not 0x%" PRIx64, have, want);
    lines_.push_back(name + text);
  }
  // Structures of KVM, whose padding it zeroes.
  template <typename T>
  void Whole(const char* name, const T& have, const T& want) {
    if (std::memcmp(&have, &want, sizeof(T)) != 0) lines_.push_back(std::string(name) + " differ");
  }
  void Bytes(const char* name, const std::vector<uint8_t>& have, const std::vector<uint8_t>& want) {
    const auto at = std::mismatch(have.begin(), have.end(), want.begin(), want.end());
    if (at.first == have.end() && at.second == want.end()) return;
    lines_.push_back(std::string(name) + " differs at byte " +
                     std::to_string(at.first - have.begin()));
  }
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

}  // namespace

bool IsStateMsr(uint32_t msr) {
  constexpr uint32_t kMsrTscAdjust = 0x3b;
  constexpr uint32_t kMsrTscDeadline = 0x6e0;
  constexpr uint32_t kMsrHyperVFirst = 0x40000000;
  constexpr uint32_t kMsrHyperVLast = 0x400001ff;
  // These let KVM write the time into guest memory; no guest of ours asks.
  constexpr uint32_t kMsrKvmWallClock = 0x11;
  constexpr uint32_t kMsrKvmSystemTime = 0x12;
  constexpr uint32_t kMsrKvmFirst = 0x4b564d00;
  constexpr uint32_t kMsrKvmLast = 0x4b564dff;
  const bool kvm = msr == kMsrKvmWallClock || msr == kMsrKvmSystemTime ||
                   (msr >= kMsrKvmFirst && msr <= kMsrKvmLast);
  const bool hyper_v = msr >= kMsrHyperVFirst && msr <= kMsrHyperVLast;
  return msr != kMsrTsc && msr != kMsrTscAdjust && msr != kMsrTscDeadline && !kvm && !hyper_v;
}

std::vector<uint32_t> StateMsrs(const Kvm& kvm, const Vcpu& vcpu) {
  std::vector<uint32_t> readable;
  for (const uint32_t msr : ListedMsrs(kvm)) {
    std::vector<kvm_msr_entry> one = {{msr, 0, 0}};
    if (IsStateMsr(msr) && Msrs(vcpu, KVM_GET_MSRS, "KVM_GET_MSRS", one) == 1) {
      readable.push_back(msr);
    }
  }
  return readable;
}

size_t XsaveBytes(const Kvm& kvm) {
  return std::max<size_t>(sizeof(kvm_xsave),
                          static_cast<size_t>(std::max(kvm.Capability(KVM_CAP_XSAVE2), 0)));
}

VcpuState ReadVcpuState(const Vcpu& vcpu, const std::vector<uint32_t>& msrs, size_t xsave_bytes) {
  const int fd = vcpu.fd();
  VcpuState state{};
  IoctlOrThrow(fd, KVM_GET_REGS, "KVM_GET_REGS", &state.regs);
  IoctlOrThrow(fd, KVM_GET_SREGS, "KVM_GET_SREGS", &state.sregs);
  IoctlOrThrow(fd, KVM_GET_DEBUGREGS, "KVM_GET_DEBUGREGS", &state.debug);
  IoctlOrThrow(fd, KVM_GET_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS", &state.events);
  IoctlOrThrow(fd, KVM_GET_MP_STATE, "KVM_GET_MP_STATE", &state.mp);
  IoctlOrThrow(fd, KVM_GET_XCRS, "KVM_GET_XCRS", &state.xcrs);
  state.xsave.assign(xsave_bytes, 0);
  const bool large = xsave_bytes > sizeof(kvm_xsave);
  IoctlOrThrow(fd, large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE,
               large ? "KVM_GET_XSAVE2" : "KVM_GET_XSAVE", state.xsave.data());
  for (const uint32_t msr : msrs) state.msrs.push_back({msr, 0, 0});
  if (Msrs(vcpu, KVM_GET_MSRS, "KVM_GET_MSRS", state.msrs) != msrs.size()) {
    throw VmmError(VmmErrorKind::kSystem, "KVM_GET_MSRS refused an MSR that it listed");
  }
  return state;
}

void WriteVcpuState(Vcpu& vcpu, const VcpuState& state) {
  const int fd = vcpu.fd();
  VcpuState copy = state;  // KVM's calls want what they read to be writable
  // A CPU without XSAVE has none, and KVM refuses the call there.
  if (copy.xcrs.nr_xcrs != 0) IoctlOrThrow(fd, KVM_SET_XCRS, "KVM_SET_XCRS", &copy.xcrs);
  vcpu.SetSregs(state.sregs);
  vcpu.SetRegs(state.regs);
  IoctlOrThrow(fd, KVM_SET_XSAVE, "KVM_SET_XSAVE", copy.xsave.data());
  const size_t taken = Msrs(vcpu, KVM_SET_MSRS, "KVM_SET_MSRS", copy.msrs);
  if (taken != state.msrs.size()) {
    throw VmmError(VmmErrorKind::kSystem,
                   "KVM_SET_MSRS refused MSR number " + std::to_string(state.msrs[taken].index));
  }
  IoctlOrThrow(fd, KVM_SET_DEBUGREGS, "KVM_SET_DEBUGREGS", &copy.debug);
  WriteVcpuEvents(vcpu, state.mp, state.events);
}

void WriteVcpuEvents(Vcpu& vcpu, const kvm_mp_state& mp, const kvm_vcpu_events& events) {
  kvm_mp_state mp_copy = mp;
  kvm_vcpu_events events_copy = events;
  IoctlOrThrow(vcpu.fd(), KVM_SET_MP_STATE, "KVM_SET_MP_STATE", &mp_copy);
  IoctlOrThrow(vcpu.fd(), KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS", &events_copy);
}

std::vector<std::string> DifferencesOf(const VcpuState& have, const VcpuState& want) {
  Comparison compare;
  for (const auto& [name, member] : kGeneral) {
    compare.Word(name, have.regs.*member, want.regs.*member);
  }
  for (const auto& [name, member] : kControl) {
    compare.Word(name, have.sregs.*member, want.sregs.*member);
  }
  for (const auto& [name, member] : kSegments) {
    compare.Whole(name, have.sregs.*member, want.sregs.*member);
  }
  compare.Whole("gdt", have.sregs.gdt, want.sregs.gdt);
  compare.Whole("idt", have.sregs.idt, want.sregs.idt);
  compare.Whole("the pending interrupts", have.sregs.interrupt_bitmap, want.sregs.interrupt_bitmap);
  compare.Whole("the debug registers", have.debug, want.debug);
  compare.Whole("the pending events", have.events, want.events);
  compare.Whole("mp_state", have.mp, want.mp);
  compare.Whole("the extended control registers", have.xcrs, want.xcrs);
  compare.Word("the number of MSRs", have.msrs.size(), want.msrs.size());
  for (size_t i = 0; i < std::min(have.msrs.size(), want.msrs.size()); ++i) {
    compare.Word("MSR number " + std::to_string(want.msrs[i].index), have.msrs[i].data,
                 want.msrs[i].data);
  }
  compare.Bytes("the extended state", have.xsave, want.xsave);
  return compare.Take();
}

}  // namespace fv::vmm
