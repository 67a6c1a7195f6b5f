// SPDX-License-Identifier: Apache-2.0
//
// The run of a guest, as answers to its doorbell and to the host's tick.
#include "src/session/session.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "vmm/clock.h"

namespace fv::session {
namespace {

using proto::ChannelHeader;
using vmm::Next;

constexpr size_t kKeptLogLines = 40;

}  // namespace

Session::Session(vmm::MachineInterface& machine, SessionOptions options)
    : machine_(machine),
      options_(std::move(options)),
      events_(machine.memory(),
              FindRing(machine.memory(), machine.channel_gpa(), offsetof(ChannelHeader, events))),
      console_records_(machine.memory(), FindRing(machine.memory(), machine.channel_gpa(),
                                                  offsetof(ChannelHeader, console))),
      commands_(machine.memory(), FindRing(machine.memory(), machine.channel_gpa(),
                                           offsetof(ChannelHeader, commands))),
      console_(
          {options_.output, options_.error},
          [this](std::string_view line) {
            kernel_log_.emplace_back(line);
            if (kernel_log_.size() > kKeptLogLines) kernel_log_.pop_front();
            if (options_.kernel_log) options_.kernel_log(line);
          },
          [this] { return StopSignal().has_value() || RemainingNs() == 0; }),
      terminal_(options_.input),
      input_(options_.input, commands_) {}

SessionResult Session::Run() {
  signals_.emplace(machine_,
                   terminal_.is_terminal() ? Signals::Keys::kForward : Signals::Keys::kIgnore);
  started_ns_ = vmm::MonotonicNs();
  if (options_.stdin_mode == SessionOptions::Stdin::kEmpty) {
    (void)commands_.Push(proto::CommandKind::kInputEnd, nullptr, 0);
  }
  if (options_.stdin_mode == SessionOptions::Stdin::kAhead) input_.Feed();
  while (!finished_) {
    const vmm::RunResult run = machine_.Run(*this);
    if (finished_) break;
    if (run.end == vmm::RunEnd::kKicked) {
      (void)TakeHostEvents();
    } else {
      (void)FinishFrom(run);
    }
  }
  terminal_.SetMode(Terminal::Mode::kCooked);
  signals_.reset();
  finished_->kernel_log.assign(kernel_log_.begin(), kernel_log_.end());
  return *std::move(finished_);
}

Next Session::Finish(SessionEnd end, std::string message) {
  if (!finished_) {
    result_.end = end;
    result_.message = std::move(message);
    finished_ = std::move(result_);
  }
  return Next::kStop;
}

Next Session::FinishFrom(const vmm::RunResult& run) {
  (void)Drain();
  switch (run.end) {
    case vmm::RunEnd::kSpin:
      return Finish(SessionEnd::kSpin, run.message);
    case vmm::RunEnd::kWallLimit:
      return Finish(SessionEnd::kTimeout, run.message);
    default:
      return Finish(SessionEnd::kGuestError, run.message);
  }
}

Next Session::OnDoorbell(proto::DoorbellReason reason, uint64_t argument) {
  switch (reason) {
    case proto::DoorbellReason::kDrain:
      return Drain();
    case proto::DoorbellReason::kSafepoint:
      return OnSafepoint(argument);
    case proto::DoorbellReason::kIdle:
      return OnIdle();
    case proto::DoorbellReason::kPanic:
      return OnPanic();
    case proto::DoorbellReason::kDone:
      return OnDone();
    case proto::DoorbellReason::kMoment:
      return OnMoment();
  }
  return Finish(SessionEnd::kGuestError, "the guest rang the doorbell without a reason");
}

Next Session::OnTick() {
  if (Drain() == Next::kStop) return Next::kStop;
  FeedIfWanted();
  if (TellOfPause(Pause::kTick) == Next::kStop) return Next::kStop;
  return TakeHostEvents();
}

Next Session::TellOfPause(Pause pause) {
  for (Observer* observer : options_.observers) {
    if (observer->OnPause(pause) == Next::kStop) return Finish(SessionEnd::kObserverStopped);
  }
  return Next::kContinue;
}

Next Session::Drain() {
  FollowTerminalMode();  // before anybody sees, and answers, what the guest wrote since
  absl::Status status =
      events_.Drain([this](const proto::EventRecord& event) { TakeEvent(event); });
  if (status.ok()) {
    status = console_records_.Drain(
        [this](const proto::ConsoleRecord& record) { console_.Add(record); });
  }
  console_.Flush();
  if (!status.ok()) return Finish(SessionEnd::kGuestError, std::string(status.message()));
  if (console_.closed()) return Finish(SessionEnd::kOutputClosed);
  if (!console_.failure().empty()) return Finish(SessionEnd::kOutputFailed, console_.failure());
  if (console_.gave_up() && TakeHostEvents() == Next::kContinue) {
    return Finish(SessionEnd::kTimeout, "nobody took the output");
  }
  return finished_ ? Next::kStop : Next::kContinue;
}

void Session::TakeEvent(const proto::EventRecord& event) {
  ++result_.events;
  if (event.kind == proto::EventKind::kMissingSyscall) ++result_.missing_syscalls[event.a];
  for (Observer* observer : options_.observers) observer->OnEvent(event);
}

Next Session::OnSafepoint(uint64_t argument) {
  if (Drain() == Next::kStop) return Next::kStop;
  ++result_.safepoints;
  Next next = Next::kContinue;
  for (Observer* observer : options_.observers) {
    if (observer->OnSafepoint(static_cast<proto::SafepointKind>(argument)) == Next::kStop) {
      next = Next::kStop;
    }
  }
  return next == Next::kStop ? Finish(SessionEnd::kObserverStopped) : Next::kContinue;
}

Next Session::OnMoment() {
  if (Drain() == Next::kStop) return Next::kStop;
  for (Observer* observer : options_.observers) {
    if (observer->OnMoment() == Next::kStop) return Finish(SessionEnd::kObserverStopped);
  }
  return Next::kContinue;
}

Next Session::OnIdle() {
  // Who waits for what is typed has seen the keys before.
  if (WantsInput()) signals_->BePatient();
  if (Drain() == Next::kStop) return Next::kStop;
  while (true) {
    if (TakeHostEvents() == Next::kStop) return Next::kStop;
    if (TellOfPause(Pause::kIdle) == Next::kStop) return Next::kStop;
    FeedIfWanted();
    if (!commands_.IsEmpty()) return Next::kContinue;
    const uint64_t deadline = HeaderWord(offsetof(ChannelHeader, idle_deadline_tsc));
    const uint64_t timer = deadline == 0 ? vmm::kNoDeadline : machine_.NsUntil(deadline);
    if (timer == 0) return Next::kContinue;
    const uint64_t remaining = RemainingNs();
    if (remaining == 0) return Finish(SessionEnd::kTimeout, "the guest was idle");
    const bool listens =
        input_.open() && WantsInput() && options_.stdin_mode != SessionOptions::Stdin::kEmpty;
    const int fds[] = {input_.fd()};
    machine_.WaitIdle(std::min(timer, remaining), std::span<const int>(fds, listens ? 1 : 0));
  }
}

Next Session::OnDone() {
  if (Drain() == Next::kStop) return Next::kStop;
  result_.wait_status = static_cast<int>(HeaderWord(offsetof(ChannelHeader, exit_status)));
  for (Observer* observer : options_.observers) {
    if (observer->OnDone() == Next::kStop) return Finish(SessionEnd::kObserverStopped);
  }
  return Finish(SessionEnd::kExited);
}

Next Session::OnPanic() {
  (void)Drain();
  const auto text =
      machine_.memory().LoadString(machine_.channel_gpa() + offsetof(ChannelHeader, panic_message),
                                   sizeof(ChannelHeader::panic_message));
  result_.registers = machine_.DumpRegisters();
  return Finish(SessionEnd::kPanic, text.value_or("(no message)"));
}

Next Session::TakeHostEvents() {
  if (const std::optional<int> signal_number = signals_->stop()) {
    result_.signal_number = *signal_number;
    return Finish(SessionEnd::kSignal);
  }
  for (int key : signals_->TakeKeys()) {
    const auto number = static_cast<uint8_t>(key);
    (void)commands_.Push(proto::CommandKind::kSignal, &number, sizeof(number));
  }
  if (signals_->TakeResize()) {
    const WindowSize size = TerminalSize(options_.output);
    const uint16_t words[] = {size.columns, size.rows};
    (void)commands_.Push(proto::CommandKind::kResize, words, sizeof(words));
  }
  return Next::kContinue;
}

void Session::FollowTerminalMode() {
  if (!terminal_.is_terminal()) return;
  terminal_.SetMode(HeaderWord(offsetof(ChannelHeader, console_raw)) != 0
                        ? Terminal::Mode::kRaw
                        : Terminal::Mode::kCooked);
}

void Session::FeedIfWanted() {
  if (options_.stdin_mode == SessionOptions::Stdin::kEmpty) return;
  if (terminal_.is_terminal()) {
    // What is typed belongs to the guest at once; a file or pipe is read only on request.
    input_.Feed(terminal_.mode() == Terminal::Mode::kRaw ? Input::Source::kRawTerminal
                                                         : Input::Source::kLineTerminal);
  } else if (WantsInput()) {
    input_.Feed();
  }
}

bool Session::WantsInput() const {
  return HeaderWord(offsetof(ChannelHeader, idle_wants_input)) != 0;
}

uint64_t Session::HeaderWord(size_t member) const {
  return machine_.memory().Load<uint64_t>(machine_.channel_gpa() + member).value_or(0);
}

uint64_t Session::RemainingNs() const {
  if (options_.timeout_ns == 0) return vmm::kNoDeadline;
  const uint64_t used = vmm::MonotonicNs() - started_ns_;
  return used >= options_.timeout_ns ? 0 : options_.timeout_ns - used;
}

int ShellStatus(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

uint32_t TtyBootFlags(int input, int output, int error) {
  uint32_t flags = 0;
  if (isatty(input)) flags |= proto::kBootStdinIsTty;
  if (isatty(output)) flags |= proto::kBootStdoutIsTty;
  if (isatty(error)) flags |= proto::kBootStderrIsTty;
  return flags;
}

}  // namespace fv::session
