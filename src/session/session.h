// SPDX-License-Identifier: Apache-2.0
//
// One run of a guest: its console on the host's descriptors, its events to whoever listens, its
// safepoints to the checker, its idle times, its end. The machine is the caller's, freshly made.
// One thread. docs/architecture.md places this between vmm/ and the verbs of the command.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/channel.h"
#include "src/session/console.h"
#include "src/session/input.h"
#include "src/session/ring.h"
#include "src/session/signals.h"
#include "src/session/terminal.h"
#include "vmm/machine_interface.h"

namespace fv::session {

// Why the vCPU stands still without a safepoint.
enum class Pause {
  kTick,  // anywhere (MachineInterface::InKernelCode)
  kIdle,  // no task runs
};

// Gets every event and every safepoint, in order, while the vCPU stands still.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnEvent(const proto::EventRecord& event) = 0;
  // kStop ends the run with SessionEnd::kObserverStopped.
  virtual vmm::Next OnSafepoint(proto::SafepointKind kind) {
    (void)kind;
    return vmm::Next::kContinue;
  }
  // Now and then, and soon after MachineInterface::Kick. kStop as above.
  virtual vmm::Next OnPause(Pause pause) {
    (void)pause;
    return vmm::Next::kContinue;
  }
  // The moment that ChannelHeader::moment named has come. kStop as above.
  virtual vmm::Next OnMoment() { return vmm::Next::kContinue; }
  // The first program has ended. kStop: the run ends with kObserverStopped all the same.
  virtual vmm::Next OnDone() { return vmm::Next::kContinue; }
};

struct SessionOptions {
  int input = 0;
  int output = 1;
  int error = 2;
  // kAhead: connected, and what is there goes to the guest before it asks.
  enum class Stdin { kConnected, kAhead, kEmpty } stdin_mode = Stdin::kConnected;
  // Longest wall time of the run in ns; 0 = no limit. Give the machine's watchdog the same.
  uint64_t timeout_ns = 0;
  // Lines of the kernel's log as they come (-v). The last ones are kept anyway.
  std::function<void(std::string_view)> kernel_log;
  std::vector<Observer*> observers;
};

enum class SessionEnd {
  kExited,           // the first program ended: wait_status
  kPanic,            // the guest kernel found itself broken: message
  kGuestError,       // the machine or the channel went wrong: message
  kSpin,             // the kernel never answered: message
  kTimeout,          // timeout_ns passed
  kOutputClosed,     // nobody reads the output any more (EPIPE)
  kOutputFailed,     // the output cannot be written (disk full...)
  kSignal,           // the host got a signal that ends the run: signal_number
  kObserverStopped,  // an observer said stop
};

struct SessionResult {
  SessionEnd end = SessionEnd::kExited;
  int wait_status = 0;    // as wait(2) gives it; with kExited
  int signal_number = 0;  // with kSignal
  std::string message;
  std::string registers;                          // with kPanic: the CPU's, as text
  std::vector<std::string> kernel_log;            // last lines
  std::map<uint64_t, uint64_t> missing_syscalls;  // number -> times
  uint64_t events = 0;
  uint64_t safepoints = 0;
};

class Session final : private vmm::Ports {
 public:
  Session(vmm::MachineInterface& machine, SessionOptions options);

  // Runs until the end. Once.
  SessionResult Run();

 private:
  vmm::Next OnDoorbell(proto::DoorbellReason reason, uint64_t argument) override;
  vmm::Next OnTick() override;

  vmm::Next Finish(SessionEnd end, std::string message = "");
  vmm::Next FinishFrom(const vmm::RunResult& result);
  // Empties both rings into observers and console. kStop if the run has to end.
  vmm::Next Drain();
  vmm::Next OnSafepoint(uint64_t argument);
  vmm::Next OnMoment();
  vmm::Next OnIdle();
  vmm::Next OnDone();
  vmm::Next OnPanic();
  void TakeEvent(const proto::EventRecord& event);
  // Signals, window size; kStop if a signal ends the run.
  vmm::Next TakeHostEvents();
  // The user's terminal is in the mode that the guest has set.
  void FollowTerminalMode();
  vmm::Next TellOfPause(Pause pause);
  void FeedIfWanted();
  // A task waits for console input.
  bool WantsInput() const;
  uint64_t HeaderWord(size_t member) const;
  uint64_t RemainingNs() const;

  vmm::MachineInterface& machine_;
  SessionOptions options_;
  RingReader<proto::EventRecord> events_;
  RingReader<proto::ConsoleRecord> console_records_;
  CommandWriter commands_;
  Console console_;
  Terminal terminal_;
  Input input_;
  std::optional<Signals> signals_;  // while Run runs
  std::deque<std::string> kernel_log_;
  uint64_t started_ns_ = 0;  // CLOCK_MONOTONIC
  std::optional<SessionResult> finished_;
  SessionResult result_;
};

// The exit code that a shell would show for a wait status: the status, or 128 + signal.
int ShellStatus(int wait_status);

// Boot flags for the descriptors that are terminals.
uint32_t TtyBootFlags(int input, int output, int error);

}  // namespace fv::session
