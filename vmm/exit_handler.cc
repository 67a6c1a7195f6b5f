// SPDX-License-Identifier: Apache-2.0
//
// One overload an exit: adding an exit without deciding about it does not compile.
#include "vmm/exit_handler.h"

#include <optional>
#include <utility>

namespace fv::vmm {
namespace {

std::optional<proto::DoorbellReason> ReasonOf(uint64_t word) {
  const auto reason = static_cast<proto::DoorbellReason>(word & 0xFF);
  switch (reason) {
    case proto::DoorbellReason::kDrain:
    case proto::DoorbellReason::kSafepoint:
    case proto::DoorbellReason::kIdle:
    case proto::DoorbellReason::kPanic:
    case proto::DoorbellReason::kDone:
    case proto::DoorbellReason::kMoment:
      return reason;
  }
  return std::nullopt;
}

HandledExit GuestError(std::string what) {
  return {ExitAction::kError, "the guest failed: " + std::move(what)};
}

struct Handler {
  uint64_t doorbell_gpa;
  Ports& ports;

  HandledExit operator()(const MmioWrite& write) const {
    if (write.gpa != doorbell_gpa) return GuestError(Describe(write));
    if (write.bytes != sizeof(uint64_t)) {
      return GuestError("doorbell written with " + std::to_string(write.bytes) +
                        " bytes instead of 8");
    }
    const auto reason = ReasonOf(write.value);
    if (!reason) {
      return GuestError("doorbell word with unknown reason " + std::to_string(write.value & 0xFF));
    }
    const Next next = ports.OnDoorbell(*reason, write.value >> 8);
    return {next == Next::kStop ? ExitAction::kStop : ExitAction::kContinue, {}};
  }
  HandledExit operator()(const MmioRead& exit) const { return GuestError(Describe(exit)); }
  HandledExit operator()(const PortIo& exit) const { return GuestError(Describe(exit)); }
  // The guest idles at the doorbell; a HLT is the end of a kernel that lost its way.
  HandledExit operator()(const Halted&) const { return GuestError("the CPU was halted"); }
  HandledExit operator()(const ShutDown& exit) const { return GuestError(Describe(exit)); }
  HandledExit operator()(const InterruptWindow&) const { return {ExitAction::kWindow, {}}; }
  HandledExit operator()(const Interrupted&) const { return {ExitAction::kKicked, {}}; }
  HandledExit operator()(const InternalError& exit) const { return GuestError(Describe(exit)); }
  HandledExit operator()(const FailEntry& exit) const { return GuestError(Describe(exit)); }
  HandledExit operator()(const DebugException& exit) const { return GuestError(Describe(exit)); }
  HandledExit operator()(const RunFailed& exit) const { return GuestError(Describe(exit)); }
  HandledExit operator()(const UnknownExit& exit) const { return GuestError(Describe(exit)); }
};

}  // namespace

HandledExit HandleExit(const Exit& exit, uint64_t doorbell_gpa, Ports& ports) {
  return std::visit(Handler{doorbell_gpa, ports}, exit);
}

}  // namespace fv::vmm
