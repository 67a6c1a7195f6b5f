// SPDX-License-Identifier: Apache-2.0
//
// What a debugger needs of the vCPU: to stand still at a breakpoint, after one instruction, at a
// watchpoint (KVM_SET_GUEST_DEBUG, Documentation/virt/kvm/api.rst).
//
// Hardware KVM takes the guest's #DB and #BP away from it (Traps::kByKvm). Software KVM, which
// executes ring 3 natively, delivers them to the guest (measured; docs/debugging.md), and cannot
// emulate a breakpoint instruction in ring 0, but it stops at hardware breakpoints in the ring 0
// that it emulates. So there (Traps::kByGates) the first instruction of the guest's own #DB handler
// is such a breakpoint. When it is reached nothing of the handler has run: the vCPU is put back to
// where the exception came from, and neither guest kernel nor program knows that there was one.
// Breakpoint instructions are INT1, since the kernel in ring 3 goes back to its programs by INT3.
// In emulated ring 0 the end of emulation at a breakpoint's address is the breakpoint, and single
// steps are KVM's. Watchpoints are not to be had.
//
// A step in ring 3 is RFLAGS.TF: a page fault on the way is handled by the guest before the step
// ends. Every word that is read of the guest is bounds-checked and may be anything.
//
// Thread safety: the vCPU's thread only.
#pragma once

#include "vmm/kvm_api.h"

#include <array>
#include <cstdint>
#include <optional>

#include "vmm/exit.h"
#include "vmm/exit_handler.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"

namespace fv::vmm {

inline constexpr uint64_t kRflagsTrap = 0x100;

struct DebugStop {
  enum class Kind { kBreakpoint, kStep, kWatchpoint } kind;
  unsigned watchpoint = 0;  // which
};

// The debugger.
class DebugPort {
 public:
  virtual ~DebugPort() = default;
  // Whether it has put a breakpoint instruction at this address, as the code sees it that runs now.
  virtual bool HasBreakpoint(uint64_t address) = 0;
  // The vCPU stands still, its registers are those of the code that was stopped; at a breakpoint
  // RIP is its address.
  virtual Next OnStop(const DebugStop& stop) = 0;
};

// A debug register: execution of one byte, or access to 1, 2, 4 or 8 aligned bytes.
struct Watch {
  enum class Kind : uint8_t { kExecute = 0, kWrite = 1, kAccess = 3 } kind = Kind::kExecute;
  uint64_t address = 0;
  unsigned bytes = 1;
};
inline constexpr size_t kMaxWatches = 4;
// By index.
using Watches = std::array<std::optional<Watch>, kMaxWatches>;

class GuestDebug {
 public:
  enum class Traps { kByKvm, kByGates };
  GuestDebug(Vcpu& vcpu, GuestMemory& memory, Traps traps)
      : vcpu_(vcpu), memory_(memory), traps_(traps) {}

  // From now on exits go to the port. nullptr: no more; the guest then runs as if there had never
  // been a debugger.
  void SetPort(DebugPort* port);

  bool has_watchpoints() const { return traps_ == Traps::kByKvm; }
  // The breakpoint instruction, one byte.
  uint8_t breakpoint() const;

  // kUntilAnyStep: some task has RFLAGS.TF in its saved registers, and stops after its next
  // instruction.
  enum class Run { kOn, kOneInstruction, kUntilAnyStep };
  // How the guest goes on from where it stands. Before the next entry, the last exit finished.
  // Throws VmmError.
  void Arm(Run run, const Watches& watches);

  // An exit, before anybody else sees it. nullopt: it is none of the debugger's.
  std::optional<Next> OnExit(const Exit& exit);

 private:
  std::optional<Next> OnDebugException(const DebugException& exit);
  Next OnGate();
  Next Stop(const DebugStop& stop);
  void PassToGuest(uint8_t vector);
  void SetControl(uint32_t more, const Watches& watches);
  // Where the guest's #DB handler is; 0 if it has none.
  uint64_t GateHandler() const;

  Vcpu& vcpu_;
  GuestMemory& memory_;
  const Traps traps_;
  DebugPort* port_ = nullptr;
  Watches watches_;
  bool stepping_ = false;
  bool ever_stepped_ = false;  // a task that was switched away from may still have TF
  bool passing_ = false;       // kByGates: one instruction of the guest's handler runs
  uint64_t gate_ = 0;          // kByGates: address of the hardware breakpoint
};

}  // namespace fv::vmm
