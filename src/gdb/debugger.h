// SPDX-License-Identifier: Apache-2.0
//
// A run of a guest under GDB: stops it where the client wants, answers while it stands still, lets
// it go on. The first stop is at the first program's entry, where the client is waited for. The
// guest's clock stands still with it.
//
// A client that detaches or goes away leaves the guest running without breakpoints; another may
// come. One thread, the guest's (connection.h has another).
//
// With an oracle the order of observers is: before_check(), the oracle's, the debugger. The oracle
// so looks at memory without breakpoints, and what it finds stops the guest.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "src/gdb/connection.h"
#include "src/gdb/guest_target.h"
#include "src/gdb/protocol.h"
#include "src/session/session.h"

namespace fv::gdb {

// Boot flags that the machine needs: set them before it is made.
uint32_t DebugBootFlags();

class Debugger final : public session::Observer, private vmm::DebugPort {
 public:
  // Listens from now on. `machine` outlives the debugger and has not run yet. Errors: as
  // Connection::Listen. Throws vmm::VmmError.
  static absl::StatusOr<std::unique_ptr<Debugger>> Start(vmm::Machine& machine, uint16_t port,
                                                         MonitorOptions monitor);
  ~Debugger() override;

  uint16_t port() const { return connection_->port(); }
  // The client ended the run by `kill`.
  bool killed() const { return killed_; }

  session::Observer& before_check() { return before_check_; }
  // The oracle has found something at the safepoint that this one is told of next; of several
  // findings the client sees the first.
  void OnFinding(const std::string& text) {
    if (finding_.empty()) finding_ = text;
  }

  void OnEvent(const proto::EventRecord&) override {}
  vmm::Next OnSafepoint(proto::SafepointKind kind) override;
  vmm::Next OnPause(session::Pause pause) override;
  vmm::Next OnMoment() override;
  vmm::Next OnDone() override;

 private:
  // A breakpoint of our own: until this task comes there.
  struct Temporary {
    uint64_t address;
    ThreadId thread;
    bool inserted;  // by us; false: the client has one there
  };

  class BeforeCheck final : public session::Observer {
   public:
    explicit BeforeCheck(GuestTarget& target) : target_(target) {}
    void OnEvent(const proto::EventRecord&) override {}
    vmm::Next OnSafepoint(proto::SafepointKind kind) override;
    vmm::Next OnDone() override { return OnSafepoint(proto::SafepointKind::kFinal); }

   private:
    GuestTarget& target_;
  };

  Debugger(vmm::Machine& machine, MonitorOptions monitor);

  bool HasBreakpoint(uint64_t address) override;
  vmm::Next OnStop(const vmm::DebugStop& stop) override;

  // Tells the client and answers it, until it lets the guest go on.
  enum class Tell { kYes, kNo };
  vmm::Next Stand(const StopReason& reason, Tell tell);
  void Print(const std::string& text);
  vmm::Next Serve();
  // nullopt: the guest still stands.
  std::optional<vmm::Next> Obey(const Reply& reply);
  void GoOn(const Resume& resume);
  void Step(ThreadId thread);
  void SetTemporary(uint64_t address, ThreadId thread);
  void DropTemporary();
  vmm::Next StepOver(uint64_t address);
  void Detach();

  vmm::Machine& machine_;
  GuestTarget target_;
  BeforeCheck before_check_{target_};
  Protocol protocol_;
  std::unique_ptr<Connection> connection_;
  std::optional<Temporary> temporary_;
  std::optional<uint64_t> lifted_;  // a byte of ours that is stepped over (physical address)
  std::string finding_;             // that the client has not seen
  bool killed_ = false;
  bool done_ = false;
};

}  // namespace fv::gdb
