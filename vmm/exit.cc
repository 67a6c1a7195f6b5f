// SPDX-License-Identifier: Apache-2.0
//
// kvm_run to Exit. Lengths and counts are clamped here: the page is KVM's, its content the guest's.
#include "vmm/exit.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fv::vmm {
namespace {

Exit DecodeMmio(const kvm_run& run) {
  const uint32_t bytes = std::min<uint32_t>(run.mmio.len, sizeof(run.mmio.data));
  if (run.mmio.is_write == 0) return MmioRead{run.mmio.phys_addr, bytes};
  uint64_t value = 0;
  std::memcpy(&value, run.mmio.data, bytes);
  return MmioWrite{run.mmio.phys_addr, bytes, value};
}

Exit DecodeInternalError(const kvm_run& run) {
  InternalError error{run.internal.suberror, 0, {}};
  error.data_count = std::min<uint32_t>(run.internal.ndata, std::size(error.data));
  for (uint32_t i = 0; i < error.data_count; ++i) error.data[i] = run.internal.data[i];
  return error;
}

template <typename... Args>
std::string Format(const char* format, Args... args) {
  char text[160];
  std::snprintf(text, sizeof(text), format, args...);
  return text;
}

const char* SuberrorName(uint32_t suberror) {
  switch (suberror) {
    case KVM_INTERNAL_ERROR_EMULATION:
      return "an instruction that it cannot emulate, ";
    case KVM_INTERNAL_ERROR_SIMUL_EX:
      return "an exception while it delivered another, ";
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
      return "an exit while it delivered an exception, ";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
      return "an exit of the CPU that it does not know, ";
    default:
      return "";
  }
}

using ull = unsigned long long;

struct Describer {
  std::string operator()(const MmioWrite& e) const {
    return Format("write of %u bytes (0x%llx) to unbacked physical address 0x%llx", e.bytes,
                  ull{e.value}, ull{e.gpa});
  }
  std::string operator()(const MmioRead& e) const {
    return Format("read of %u bytes at unbacked physical address 0x%llx", e.bytes, ull{e.gpa});
  }
  std::string operator()(const PortIo& e) const {
    return Format("%s port 0x%x, %u times %u bytes", e.is_write ? "OUT to" : "IN from",
                  unsigned{e.port}, e.count, unsigned{e.bytes});
  }
  std::string operator()(const Halted&) const { return "HLT"; }
  std::string operator()(const ShutDown&) const { return "triple fault"; }
  std::string operator()(const InterruptWindow&) const { return "interrupt window"; }
  std::string operator()(const Interrupted&) const { return "interrupted by a signal"; }
  std::string operator()(const InternalError& e) const {
    std::string text =
        Format("KVM internal error, %ssuberror %u", SuberrorName(e.suberror), e.suberror);
    for (uint32_t i = 0; i < e.data_count; ++i) text += Format(" 0x%llx", ull{e.data[i]});
    return text;
  }
  std::string operator()(const FailEntry& e) const {
    return Format("the CPU refused the guest's state, hardware reason 0x%llx", ull{e.reason});
  }
  std::string operator()(const DebugException& e) const {
    return Format("debug exception %u at 0x%llx", e.exception, ull{e.pc});
  }
  std::string operator()(const RunFailed& e) const {
    return Format("KVM_RUN: %s%s", std::strerror(e.error),
                  e.error == EFAULT ? " (the host cannot give a page of guest memory)" : "");
  }
  std::string operator()(const UnknownExit& e) const {
    if (e.reason != KVM_EXIT_UNKNOWN) return Format("unknown exit reason %u of KVM", e.reason);
    return Format("an exit of the CPU that KVM does not know, hardware reason 0x%llx",
                  ull{e.hardware_reason});
  }
};

}  // namespace

Exit DecodeExit(const kvm_run& run) {
  switch (run.exit_reason) {
    case KVM_EXIT_MMIO:
      return DecodeMmio(run);
    case KVM_EXIT_IO:
      return PortIo{run.io.port, run.io.direction == KVM_EXIT_IO_OUT, run.io.size, run.io.count};
    case KVM_EXIT_HLT:
      return Halted{};
    case KVM_EXIT_SHUTDOWN:
      return ShutDown{};
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      return InterruptWindow{};
    case KVM_EXIT_INTR:
      return Interrupted{};
    case KVM_EXIT_INTERNAL_ERROR:
      return DecodeInternalError(run);
    case KVM_EXIT_FAIL_ENTRY:
      return FailEntry{run.fail_entry.hardware_entry_failure_reason};
    case KVM_EXIT_DEBUG:
      return DebugException{run.debug.arch.exception, run.debug.arch.pc, run.debug.arch.dr6};
    case KVM_EXIT_UNKNOWN:
      return UnknownExit{run.exit_reason, run.hw.hardware_exit_reason};
    default:
      return UnknownExit{run.exit_reason, 0};
  }
}

std::string Describe(const Exit& exit) { return std::visit(Describer{}, exit); }

}  // namespace fv::vmm
