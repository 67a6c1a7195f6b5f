// SPDX-License-Identifier: Apache-2.0
#include "vmm/guest_debug.h"

#include "proto/layout.h"
#include "vmm/ioctl.h"

namespace fv::vmm {
namespace {

constexpr uint8_t kInt1 = 0xF1;
constexpr uint8_t kInt3 = 0xCC;
constexpr uint32_t kVectorDebug = 1;
constexpr uint32_t kVectorBreakpoint = 3;

// DR7 (Intel SDM vol. 3, 17.2.4): global enable of register i; its kind and length.
constexpr uint64_t kDr7Fixed = 0x400;
constexpr uint64_t EnableBit(size_t i) { return uint64_t{2} << (2 * i); }
constexpr unsigned KindShift(size_t i) { return static_cast<unsigned>(16 + 4 * i); }
constexpr uint64_t LengthBits(unsigned bytes) {
  return bytes == 8 ? 2 : bytes == 4 ? 3 : bytes == 2 ? 1 : 0;
}
// DR6: which register fired; the end of a single step.
constexpr uint64_t kDr6Registers = 0xF;
constexpr uint64_t kDr6Step = uint64_t{1} << 14;

// What the CPU pushes for an exception without error code.
struct Frame {
  uint64_t rip, cs, rflags, rsp, ss;
};

constexpr uint8_t kCodeSegment = 11;  // execute, read, accessed
constexpr uint8_t kDataSegment = 3;   // read, write, accessed

// The only segments with which anything runs in ring 3: flat, 64-bit (proto/layout.h).
kvm_segment Ring3Segment(uint64_t selector, uint8_t type) {
  kvm_segment segment{};
  segment.selector = static_cast<uint16_t>(selector);
  segment.limit = 0xffffffff;
  segment.type = type;
  segment.present = 1;
  segment.dpl = 3;
  segment.s = 1;
  segment.g = 1;
  segment.l = type == kCodeSegment ? 1 : 0;
  segment.db = type == kCodeSegment ? 0 : 1;
  return segment;
}

}  // namespace

void GuestDebug::SetPort(DebugPort* port) {
  port_ = port;
  if (port != nullptr) return;
  stepping_ = false;
  watches_ = {};
  kvm_guest_debug off{};
  IoctlOrThrow(vcpu_.fd(), KVM_SET_GUEST_DEBUG, "KVM_SET_GUEST_DEBUG", &off);
}

uint8_t GuestDebug::breakpoint() const { return traps_ == Traps::kByKvm ? kInt3 : kInt1; }

void GuestDebug::SetControl(uint32_t more, const Watches& watches) {
  kvm_guest_debug debug{};
  debug.control = KVM_GUESTDBG_ENABLE | more;
  uint64_t dr7 = kDr7Fixed;
  for (size_t i = 0; i < kMaxWatches; ++i) {
    if (!watches[i]) continue;
    debug.arch.debugreg[i] = watches[i]->address;
    const uint64_t kind = static_cast<uint64_t>(watches[i]->kind);
    dr7 |= EnableBit(i) | (kind | LengthBits(watches[i]->bytes) << 2) << KindShift(i);
  }
  debug.arch.debugreg[7] = dr7;
  IoctlOrThrow(vcpu_.fd(), KVM_SET_GUEST_DEBUG, "KVM_SET_GUEST_DEBUG", &debug);
}

void GuestDebug::Arm(Run run, const Watches& watches) {
  watches_ = watches;
  stepping_ = run != Run::kOn;
  ever_stepped_ = ever_stepped_ || stepping_;
  if (traps_ == Traps::kByKvm) {
    SetControl(KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP |
                   (run == Run::kOneInstruction ? KVM_GUESTDBG_SINGLESTEP : 0u),
               watches_);
    return;
  }
  gate_ = GateHandler();
  Watches gates;
  if (gate_ != 0) gates[0] = Watch{Watch::Kind::kExecute, gate_, 1};
  uint32_t control = KVM_GUESTDBG_USE_HW_BP;
  if (run == Run::kOneInstruction) {
    if ((vcpu_.sregs().cs.selector & 3) == 0) {
      control |= KVM_GUESTDBG_SINGLESTEP;
    } else {
      kvm_regs regs = vcpu_.regs();
      regs.rflags |= kRflagsTrap;
      vcpu_.SetRegs(regs);
    }
  }
  SetControl(control, gates);
}

uint64_t GuestDebug::GateHandler() const {
  const uint64_t idt = vcpu_.sregs().idt.base;
  if (!proto::InDirectMap(idt, memory_.size())) return 0;
  using Gate = std::array<uint64_t, 2>;
  const auto gate = memory_.Load<Gate>(proto::PhysOfDirectMap(idt) + kVectorDebug * sizeof(Gate));
  if (!gate) return 0;
  const auto& [low, high] = *gate;
  return (low & 0xffff) | (low >> 32 & 0xffff0000) | high << 32;
}

std::optional<Next> GuestDebug::OnExit(const Exit& exit) {
  if (port_ == nullptr) return std::nullopt;
  if (const auto* debug = std::get_if<DebugException>(&exit)) return OnDebugException(*debug);
  // The emulator has no INT1 and no INT3.
  if (std::holds_alternative<InternalError>(exit) && traps_ == Traps::kByGates &&
      port_->HasBreakpoint(vcpu_.regs().rip)) {
    return Stop({DebugStop::Kind::kBreakpoint});
  }
  return std::nullopt;
}

std::optional<Next> GuestDebug::OnDebugException(const DebugException& exit) {
  if (passing_) {
    passing_ = false;
    Arm(stepping_ ? Run::kOneInstruction : Run::kOn, watches_);
    return Next::kContinue;
  }
  if (traps_ == Traps::kByGates) {
    if (gate_ != 0 && exit.pc == gate_) return OnGate();
    return stepping_ ? Stop({DebugStop::Kind::kStep}) : Next::kContinue;
  }
  if (exit.exception == kVectorBreakpoint) {
    if (port_->HasBreakpoint(exit.pc)) return Stop({DebugStop::Kind::kBreakpoint});
    PassToGuest(kVectorBreakpoint);
    return Next::kContinue;
  }
  if ((exit.dr6 & kDr6Registers) != 0) {
    const auto which = static_cast<unsigned>(__builtin_ctzll(exit.dr6 & kDr6Registers));
    return Stop({DebugStop::Kind::kWatchpoint, which});
  }
  if ((exit.dr6 & kDr6Step) != 0 && ever_stepped_) {
    kvm_regs regs = vcpu_.regs();
    regs.rflags &= ~kRflagsTrap;  // of a step by saved registers
    vcpu_.SetRegs(regs);
    return stepping_ ? Stop({DebugStop::Kind::kStep}) : Next::kContinue;
  }
  PassToGuest(kVectorDebug);
  return Next::kContinue;
}

// At the first instruction of the guest's #DB handler, the exception's frame on its stack.
Next GuestDebug::OnGate() {
  kvm_regs regs = vcpu_.regs();
  const auto frame = proto::InDirectMap(regs.rsp, memory_.size())
                         ? memory_.Load<Frame>(proto::PhysOfDirectMap(regs.rsp))
                         : std::nullopt;
  if (!frame || (frame->cs & 3) != 3) {
    PassToGuest(kVectorDebug);
    return Next::kContinue;
  }
  const bool after_step = ever_stepped_ && (frame->rflags & kRflagsTrap) != 0;
  // INT1 is reported at its own address here, behind it by a CPU.
  uint64_t at = frame->rip;
  const bool breakpoint = port_->HasBreakpoint(at) || (!after_step && port_->HasBreakpoint(--at));
  if (!breakpoint && !after_step) {
    PassToGuest(kVectorDebug);
    return Next::kContinue;
  }
  regs.rip = breakpoint ? at : frame->rip;
  regs.rsp = frame->rsp;
  regs.rflags = frame->rflags & ~kRflagsTrap;
  kvm_sregs sregs = vcpu_.sregs();
  sregs.cs = Ring3Segment(frame->cs, kCodeSegment);
  sregs.ss = Ring3Segment(frame->ss, kDataSegment);
  vcpu_.SetSregs(sregs);
  vcpu_.SetRegs(regs);
  if (breakpoint) return Stop({DebugStop::Kind::kBreakpoint});
  // A step that nobody waits for any more: another task was stopped before it ended.
  return stepping_ ? Stop({DebugStop::Kind::kStep}) : Next::kContinue;
}

Next GuestDebug::Stop(const DebugStop& stop) {
  stepping_ = false;
  return port_->OnStop(stop);
}

// The exception is the guest's own affair.
void GuestDebug::PassToGuest(uint8_t vector) {
  if (traps_ == Traps::kByKvm) {
    kvm_guest_debug debug{};
    debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP |
                    (vector == kVectorDebug ? KVM_GUESTDBG_INJECT_DB : KVM_GUESTDBG_INJECT_BP);
    IoctlOrThrow(vcpu_.fd(), KVM_SET_GUEST_DEBUG, "KVM_SET_GUEST_DEBUG", &debug);
    SetControl(KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP |
                   (stepping_ ? KVM_GUESTDBG_SINGLESTEP : 0u),
               watches_);
    return;
  }
  // Past the hardware breakpoint by one step without it.
  passing_ = true;
  SetControl(KVM_GUESTDBG_SINGLESTEP, {});
}

}  // namespace fv::vmm
