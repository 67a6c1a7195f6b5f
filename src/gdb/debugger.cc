// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/debugger.h"

#include <csignal>
#include <utility>

#include "proto/channel.h"
#include "src/gdb/task_registers.h"
#include "src/session/signals.h"
#include "vmm/error.h"

namespace fv::gdb {
namespace {

using vmm::DebugStop;
using vmm::GuestDebug;
using vmm::Next;

constexpr char kSyscallInstruction[] = "\x0f\x05";
constexpr size_t kSyscallBytes = 2;
// As much of a monitor command's output as fits into a packet of its own, in hexadecimal.
constexpr size_t kOutputPiece = kMaxPacketBytes / 2 - 1;

// Somebody ends the run from outside.
bool GiveUp() { return session::StopSignal().has_value(); }
// The same while there is no client.
bool GiveUpWaiting() { return session::StopSignalOrKey().has_value(); }

}  // namespace

uint32_t DebugBootFlags() { return proto::kBootSafepoints; }

Debugger::Debugger(vmm::Machine& machine, MonitorOptions monitor)
    : machine_(machine), target_(machine, std::move(monitor)), protocol_(target_) {}

absl::StatusOr<std::unique_ptr<Debugger>> Debugger::Start(vmm::Machine& machine, uint16_t port,
                                                          MonitorOptions monitor) {
  std::unique_ptr<Debugger> debugger(new Debugger(machine, std::move(monitor)));
  auto connection = Connection::Listen(port, [&machine] { machine.Kick(); });
  if (!connection.ok()) return connection.status();
  debugger->connection_ = *std::move(connection);
  const proto::Moment start{proto::FailTrigger::kStart, 0, 0};
  const uint64_t gpa = machine.channel_gpa() + offsetof(proto::ChannelHeader, moment);
  if (!machine.memory().Store(gpa, start)) {
    throw vmm::VmmError(vmm::VmmErrorKind::kBadConfig, "the channel is not in guest memory");
  }
  machine.debug().SetPort(debugger.get());
  return debugger;
}

Debugger::~Debugger() {
  if (connection_ && connection_->has_client() && !done_) {
    connection_->Send(Protocol::Exited(SIGKILL));
  }
  try {
    machine_.debug().SetPort(nullptr);
  } catch (const vmm::VmmError&) {
    // The machine is broken, and said so already.
  }
}

// The first program is about to run its first instruction: there the client finds it.
Next Debugger::OnMoment() {
  target_.Refresh();
  const inspect::Task* task = target_.view().current();
  if (task == nullptr) return Next::kContinue;
  target_.breakpoints().SetProgram(target_.view().ExecutableOf(task->record.mm));
  const std::optional<uint64_t> entry = ReadSaved(target_.view(), *task).Get(kRip);
  if (entry) SetTemporary(*entry, task->record.pid);
  machine_.debug().Arm(GuestDebug::Run::kOn, {});
  return Next::kContinue;
}

// Copies that the guest made of our bytes are known first.
Next Debugger::BeforeCheck::OnSafepoint(proto::SafepointKind) {
  if (!target_.breakpoints().any()) return Next::kContinue;
  target_.Refresh();
  target_.breakpoints().TakeOut();
  return Next::kContinue;
}

// Pages came or went: breakpoints follow them before user code runs.
Next Debugger::OnSafepoint(proto::SafepointKind) {
  if (target_.breakpoints().any()) target_.Refresh();
  if (finding_.empty() || !connection_->has_client()) return Next::kContinue;
  Print(std::exchange(finding_, {}));
  // The kernel's part is over: what it did wrong, it did for the program at this place.
  target_.ShowCurrentIn(GuestTarget::Place::kProgram);
  const Next next = Stand({StopReason::Kind::kSignal, SIGTRAP}, Tell::kYes);
  target_.ShowCurrentIn(GuestTarget::Place::kCpu);
  return next;
}

Next Debugger::OnPause(session::Pause) {
  if (!connection_->wanted()) return Next::kContinue;
  if (!connection_->has_client()) {
    if (connection_->Accept(Connection::Wait::kNo, GiveUp)) return Stand({}, Tell::kNo);
    connection_->Watch();
    return Next::kContinue;
  }
  // While the guest runs a client has nothing to say but that it should stop.
  while (const std::optional<Input> input = connection_->Receive(Connection::Wait::kNo, GiveUp)) {
    if (input->kind == Input::Kind::kInterrupt) {
      return Stand({StopReason::Kind::kSignal, SIGINT}, Tell::kYes);
    }
  }
  if (!connection_->has_client()) Detach();
  connection_->Watch();
  return Next::kContinue;
}

Next Debugger::OnDone() {
  done_ = true;
  const auto status = machine_.memory().Load<uint64_t>(machine_.channel_gpa() +
                                                       offsetof(proto::ChannelHeader, exit_status));
  connection_->Send(Protocol::Exited(static_cast<int>(status.value_or(0))));
  return Next::kContinue;
}

bool Debugger::HasBreakpoint(uint64_t address) {
  if (target_.breakpoints().Has(address)) return true;
  const auto place = target_.view().Locate(target_.view().current(), address);
  return place && target_.breakpoints().PatchedAt(place->gpa);
}

Next Debugger::OnStop(const DebugStop& stop) {
  target_.Refresh();
  if (stop.kind == DebugStop::Kind::kWatchpoint) {
    const auto& watch = target_.watches()[stop.watchpoint];
    return Stand(
        {watch && watch->kind == vmm::Watch::Kind::kExecute ? StopReason::Kind::kSignal
                                                            : StopReason::Kind::kWatchpoint,
         SIGTRAP, watch ? watch->address : 0},
        Tell::kYes);
  }
  if (stop.kind == DebugStop::Kind::kStep && lifted_) {
    target_.breakpoints().PutBack(*std::exchange(lifted_, std::nullopt));
    machine_.debug().Arm(GuestDebug::Run::kOn, target_.watches());
    return Next::kContinue;
  }
  const uint64_t at = machine_.vcpu().regs().rip;
  const bool breakpoint = stop.kind == DebugStop::Kind::kBreakpoint;
  if (breakpoint && temporary_ && temporary_->address == at &&
      temporary_->thread == target_.Current()) {
    DropTemporary();
    return Stand({}, Tell::kYes);
  }
  const bool only_ours = temporary_ && temporary_->inserted && temporary_->address == at;
  if (breakpoint && (only_ours || !target_.breakpoints().Has(at))) return StepOver(at);
  return Stand({breakpoint ? StopReason::Kind::kBreakpoint : StopReason::Kind::kSignal},
               Tell::kYes);
}

// Another task, or another program that shares the page, has come to a byte that was not meant for
// it.
Next Debugger::StepOver(uint64_t address) {
  const auto place = target_.view().Locate(target_.view().current(), address);
  if (place) {
    lifted_ = place->gpa;
    target_.breakpoints().Lift(place->gpa);
  }
  machine_.debug().Arm(place ? GuestDebug::Run::kOneInstruction : GuestDebug::Run::kOn,
                       target_.watches());
  return Next::kContinue;
}

Next Debugger::Stand(const StopReason& reason, Tell tell) {
  // Stepping must not meet the end of the last exit.
  machine_.debug().Arm(GuestDebug::Run::kOn, {});
  machine_.vcpu().FinishExit();
  const uint64_t now = machine_.GuestTsc();
  target_.Refresh();
  const std::string stopped = protocol_.Stopped(reason);
  if (tell == Tell::kYes && connection_->has_client()) connection_->Send(stopped);
  const Next next = Serve();
  machine_.SetGuestTsc(now);
  connection_->Watch();
  return next;
}

Next Debugger::Serve() {
  while (connection_->Accept(Connection::Wait::kYes, GiveUpWaiting)) {
    while (const std::optional<Input> input =
               connection_->Receive(Connection::Wait::kYes, GiveUp)) {
      if (input->kind != Input::Kind::kPacket) continue;
      if (const auto next = Obey(protocol_.Handle(input->data))) return *next;
    }
    if (connection_->has_client()) break;  // given up
    Detach();
    return Next::kContinue;
  }
  Detach();
  return Next::kContinue;
}

void Debugger::Print(const std::string& text) {
  for (size_t at = 0; at < text.size(); at += kOutputPiece) {
    connection_->Send("O" + ToHex(text.substr(at, kOutputPiece)));
  }
}

std::optional<Next> Debugger::Obey(const Reply& reply) {
  Print(reply.output);
  if (reply.data) connection_->Send(*reply.data);
  switch (reply.action) {
    case Reply::Action::kNone:
      return std::nullopt;
    case Reply::Action::kStopAcks:
      connection_->StopAcks();
      return std::nullopt;
    case Reply::Action::kResume:
      GoOn(reply.resume);
      return Next::kContinue;
    case Reply::Action::kDetach:
      Detach();
      return Next::kContinue;
    case Reply::Action::kKill:
      killed_ = true;
      done_ = true;
      connection_->Send("OK");
      return Next::kStop;
  }
  return std::nullopt;
}

void Debugger::GoOn(const Resume& resume) {
  DropTemporary();
  if (resume.step) {
    Step(*resume.step);
  } else {
    machine_.debug().Arm(GuestDebug::Run::kOn, target_.watches());
  }
}

void Debugger::Step(ThreadId thread) {
  if (thread != target_.Current()) {
    const inspect::Task* task = target_.view().Find(thread);
    const bool set = task != nullptr && SetSavedTrapFlag(target_.view(), machine_.memory(), *task);
    machine_.debug().Arm(set ? GuestDebug::Run::kUntilAnyStep : GuestDebug::Run::kOn,
                         target_.watches());
    return;
  }
  const uint64_t rip = machine_.vcpu().regs().rip;
  // The trap flag goes away with a system call: the step ends behind it.
  if (rip < proto::kUserEnd &&
      target_.ReadMemory(thread, rip, kSyscallBytes) == kSyscallInstruction) {
    SetTemporary(rip + kSyscallBytes, thread);
    machine_.debug().Arm(GuestDebug::Run::kOn, target_.watches());
    return;
  }
  machine_.debug().Arm(GuestDebug::Run::kOneInstruction, target_.watches());
}

void Debugger::SetTemporary(uint64_t address, ThreadId thread) {
  const bool there = target_.breakpoints().Has(address);
  temporary_ = Temporary{address, thread, !there && target_.breakpoints().Insert(address)};
}

void Debugger::DropTemporary() {
  if (temporary_ && temporary_->inserted) target_.breakpoints().Remove(temporary_->address);
  temporary_.reset();
}

void Debugger::Detach() {
  connection_->Close();
  temporary_.reset();
  lifted_.reset();
  target_.Forget();
  machine_.debug().Arm(GuestDebug::Run::kOn, {});
}

}  // namespace fv::gdb
