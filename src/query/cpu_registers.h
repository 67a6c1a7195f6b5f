// SPDX-License-Identifier: Apache-2.0
//
// The CPU of a guest at a moment, in the form that debuggers know (<sys/user.h>).
#pragma once

#include "vmm/kvm_api.h"

#include <sys/user.h>

#include "vmm/snapshot/vcpu_state.h"

namespace fv::query {

struct CpuRegisters {
  user_regs_struct general;     // orig_rax is not known: ~0
  user_fpregs_struct floating;  // as FXSAVE stores them
};

CpuRegisters CpuRegistersOf(const kvm_regs& general, const kvm_sregs& special,
                            const kvm_fpu& floating);
CpuRegisters CpuRegistersOf(const vmm::VcpuState& state);

}  // namespace fv::query
