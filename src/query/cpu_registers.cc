// SPDX-License-Identifier: Apache-2.0
#include "src/query/cpu_registers.h"

#include <algorithm>
#include <cstring>

namespace fv::query {
namespace {

user_regs_struct GeneralOf(const kvm_regs& regs, const kvm_sregs& special) {
  user_regs_struct out{};
  out.r15 = regs.r15;
  out.r14 = regs.r14;
  out.r13 = regs.r13;
  out.r12 = regs.r12;
  out.rbp = regs.rbp;
  out.rbx = regs.rbx;
  out.r11 = regs.r11;
  out.r10 = regs.r10;
  out.r9 = regs.r9;
  out.r8 = regs.r8;
  out.rax = regs.rax;
  out.rcx = regs.rcx;
  out.rdx = regs.rdx;
  out.rsi = regs.rsi;
  out.rdi = regs.rdi;
  out.orig_rax = ~0ull;
  out.rip = regs.rip;
  out.eflags = regs.rflags;
  out.rsp = regs.rsp;
  out.fs_base = special.fs.base;
  out.gs_base = special.gs.base;
  out.cs = special.cs.selector;
  out.ss = special.ss.selector;
  out.ds = special.ds.selector;
  out.es = special.es.selector;
  out.fs = special.fs.selector;
  out.gs = special.gs.selector;
  return out;
}

}  // namespace

CpuRegisters CpuRegistersOf(const kvm_regs& general, const kvm_sregs& special,
                            const kvm_fpu& floating) {
  CpuRegisters out{GeneralOf(general, special), {}};
  out.floating.cwd = floating.fcw;
  out.floating.swd = floating.fsw;
  out.floating.ftw = floating.ftwx;
  out.floating.fop = floating.last_opcode;
  out.floating.rip = floating.last_ip;
  out.floating.rdp = floating.last_dp;
  out.floating.mxcsr = floating.mxcsr;
  static_assert(sizeof(out.floating.st_space) == sizeof(floating.fpr) &&
                sizeof(out.floating.xmm_space) == sizeof(floating.xmm));
  std::memcpy(out.floating.st_space, floating.fpr, sizeof(floating.fpr));
  std::memcpy(out.floating.xmm_space, floating.xmm, sizeof(floating.xmm));
  return out;
}

CpuRegisters CpuRegistersOf(const vmm::VcpuState& state) {
  CpuRegisters out{GeneralOf(state.regs, state.sregs), {}};
  // The XSAVE area begins as that of FXSAVE.
  std::memcpy(&out.floating, state.xsave.data(),
              std::min(sizeof(out.floating), state.xsave.size()));
  return out;
}

}  // namespace fv::query
