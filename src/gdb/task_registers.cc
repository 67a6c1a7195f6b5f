// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/task_registers.h"

#include "src/inspect/trap_frame.h"
#include "vmm/ioctl.h"

namespace fv::gdb {
namespace {

using inspect::TrapFrame;
using inspect::TrapFrameAt;
using vmm::Machine;

// In the order of Register, kRax to kR15.
constexpr uint64_t TrapFrame::*kSaved[] = {
    &TrapFrame::rax, &TrapFrame::rbx, &TrapFrame::rcx, &TrapFrame::rdx,
    &TrapFrame::rsi, &TrapFrame::rdi, &TrapFrame::rbp, &TrapFrame::rsp,
    &TrapFrame::r8,  &TrapFrame::r9,  &TrapFrame::r10, &TrapFrame::r11,
    &TrapFrame::r12, &TrapFrame::r13, &TrapFrame::r14, &TrapFrame::r15};
constexpr __u64 kvm_regs::*kLive[] = {
    &kvm_regs::rax, &kvm_regs::rbx, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rsi, &kvm_regs::rdi,
    &kvm_regs::rbp, &kvm_regs::rsp, &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
    &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15};
static_assert(std::size(kSaved) == kR15 + 1 && std::size(kLive) == kR15 + 1);

// Bits of RFLAGS that say something about a computation: CF, PF, AF, ZF, SF, DF, OF.
constexpr uint64_t kArithmeticFlags = 0xCD5;

template <typename T>
std::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

void SetFloating(const kvm_fpu& fpu, Registers& registers) {
  for (size_t i = 0; i < std::size(fpu.fpr); ++i) {
    registers.SetBytes(kSt0 + i, BytesOf(fpu.fpr[i]).substr(0, RegisterBytes(kSt0)));
  }
  registers.Set(kFctrl, fpu.fcw);
  registers.Set(kFstat, fpu.fsw);
  // GDB wants the tag word of FSAVE, two bits a register: 3 is empty, and what is not it finds out.
  uint64_t tags = 0;
  for (unsigned i = 0; i < 8; ++i) tags |= (fpu.ftwx >> i & 1) != 0 ? 0 : uint64_t{3} << (2 * i);
  registers.Set(kFtag, tags);
  registers.Set(kFiseg, 0);
  registers.Set(kFioff, fpu.last_ip);
  registers.Set(kFoseg, 0);
  registers.Set(kFooff, fpu.last_dp);
  registers.Set(kFop, fpu.last_opcode);
  for (size_t i = 0; i < std::size(fpu.xmm); ++i)
    registers.SetBytes(kXmm0 + i, BytesOf(fpu.xmm[i]));
  registers.Set(kMxcsr, fpu.mxcsr);
}

// Whether two sets agree in [first, last].
bool Same(const Registers& a, const Registers& b, size_t first, size_t last) {
  for (size_t i = first; i <= last; ++i) {
    if (a.Hex(i) != b.Hex(i)) return false;
  }
  return true;
}

std::optional<TrapFrame> FrameOf(const GuestView& view, const inspect::Task& task) {
  TrapFrame frame;
  if (task.record.mm == 0 || !task.stack_readable ||
      !view.memory().ReadPtr(TrapFrameAt(task.record.stack), frame)) {
    return std::nullopt;
  }
  return frame;
}

bool StoreFrame(vmm::GuestMemory& memory, const inspect::Task& task, const TrapFrame& frame) {
  return memory.Store(proto::PhysOfDirectMap(TrapFrameAt(task.record.stack)), frame);
}

}  // namespace

Registers ReadCpu(Machine& machine) {
  const kvm_regs regs = machine.vcpu().regs();
  const kvm_sregs sregs = machine.vcpu().sregs();
  kvm_fpu fpu{};
  vmm::IoctlOrThrow(machine.vcpu().fd(), KVM_GET_FPU, "KVM_GET_FPU", &fpu);
  Registers registers;
  for (size_t i = kRax; i <= kR15; ++i) registers.Set(i, regs.*kLive[i]);
  registers.Set(kRip, regs.rip);
  registers.Set(kEflags, regs.rflags);
  const kvm_segment* segments[] = {&sregs.cs, &sregs.ss, &sregs.ds,
                                   &sregs.es, &sregs.fs, &sregs.gs};
  for (size_t i = 0; i < std::size(segments); ++i) registers.Set(kCs + i, segments[i]->selector);
  registers.Set(kFsBase, sregs.fs.base);
  registers.Set(kGsBase, sregs.gs.base);
  SetFloating(fpu, registers);
  return registers;
}

bool WriteCpu(Machine& machine, const Registers& registers) {
  const Registers now = ReadCpu(machine);
  if (!Same(now, registers, kCs, kMxcsr)) return false;
  kvm_regs regs = machine.vcpu().regs();
  for (size_t i = kRax; i <= kR15; ++i) regs.*kLive[i] = *registers.Get(i);
  regs.rip = *registers.Get(kRip);
  regs.rflags = *registers.Get(kEflags);
  machine.vcpu().SetRegs(regs);
  if (Same(now, registers, kFsBase, kGsBase)) return true;
  kvm_sregs sregs = machine.vcpu().sregs();
  sregs.fs.base = *registers.Get(kFsBase);
  sregs.gs.base = *registers.Get(kGsBase);
  machine.vcpu().SetSregs(sregs);
  return true;
}

Registers ReadSaved(const GuestView& view, const inspect::Task& task) {
  Registers registers;
  const std::optional<TrapFrame> frame = FrameOf(view, task);
  if (!frame) return registers;
  for (size_t i = kRax; i <= kR15; ++i) registers.Set(i, (*frame).*kSaved[i]);
  registers.Set(kRip, frame->rip);
  registers.Set(kEflags, frame->rflags);
  registers.Set(kCs, frame->cs);
  registers.Set(kSs, frame->ss);
  registers.Set(kFsBase, task.record.fs_base);
  return registers;
}

bool WriteSaved(const GuestView& view, vmm::GuestMemory& memory, const inspect::Task& task,
                const Registers& registers) {
  std::optional<TrapFrame> frame = FrameOf(view, task);
  if (!frame || !Same(ReadSaved(view, task), registers, kCs, kGsBase)) return false;
  for (size_t i = kRax; i <= kR15; ++i) (*frame).*kSaved[i] = *registers.Get(i);
  frame->rip = *registers.Get(kRip);
  frame->rflags =
      (frame->rflags & ~kArithmeticFlags) | (*registers.Get(kEflags) & kArithmeticFlags);
  return StoreFrame(memory, task, *frame);
}

bool SetSavedTrapFlag(const GuestView& view, vmm::GuestMemory& memory, const inspect::Task& task) {
  std::optional<TrapFrame> frame = FrameOf(view, task);
  if (!frame) return false;
  frame->rflags |= vmm::kRflagsTrap;
  return StoreFrame(memory, task, *frame);
}

}  // namespace fv::gdb
