// SPDX-License-Identifier: Apache-2.0
//
// The loop itself.
#include "vmm/run_loop.h"

#include <pthread.h>

#include <algorithm>
#include <cstddef>

#include "proto/channel.h"
#include "proto/layout.h"

namespace fv::vmm {
namespace {

// Blocks the kick signal for a scope, so that a check and the sleep after it cannot lose a kick.
class KickBlocked {
 public:
  KickBlocked() {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, KickSignal());
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~KickBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  KickBlocked(const KickBlocked&) = delete;
  KickBlocked& operator=(const KickBlocked&) = delete;

  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

std::string Seconds(uint64_t ns) {
  std::string text = std::to_string(ns / 100'000'000);
  text.insert(text.size() - 1, text.size() == 1 ? "0." : ".");
  return text + " s";
}

}  // namespace

RunResult RunLoop::Run(Ports& ports) {
  watchdog_.emplace(config_.watchdog, MonotonicNs());
  const KickerArmed timer(parts_.kicker, config_.tick_ns != 0 ? config_.tick_ns : kHousekeepingNs);
  while (true) {
    parts_.dirty_log.Settle();
    const Exit exit = parts_.vcpu.Run();
    const HandledExit handled = Handle(exit, ports);
    if (auto end = Dispatch(handled, ports)) return *std::move(end);
    if (auto end = AfterExit(handled.action)) return *std::move(end);
  }
}

HandledExit RunLoop::Handle(const Exit& exit, Ports& ports) {
  if (const std::optional<Next> next = parts_.debug.OnExit(exit)) {
    return {*next == Next::kStop ? ExitAction::kStop : ExitAction::kContinue, {}};
  }
  return HandleExit(exit, config_.doorbell_gpa, ports);
}

std::optional<RunResult> RunLoop::Dispatch(const HandledExit& handled, Ports& ports) {
  switch (handled.action) {
    case ExitAction::kStop:
      return RunResult{RunEnd::kStopped, {}};
    case ExitAction::kError:
      return Failure(RunEnd::kGuestError, handled.message);
    case ExitAction::kContinue:
      watchdog_->OnProgress(MonotonicNs());
      return std::nullopt;
    case ExitAction::kWindow:
      return std::nullopt;
    case ExitAction::kKicked: {
      const uint64_t start_ns = MonotonicNs();
      (void)parts_.kicker.TakeKick();  // OnTick is what it wants
      const Next next = ports.OnTick();
      watchdog_->Exclude(MonotonicNs() - start_ns);
      if (next == Next::kStop) return RunResult{RunEnd::kStopped, {}};
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<RunResult> RunLoop::AfterExit(ExitAction action) {
  if (stop_requested_.exchange(false)) return RunResult{RunEnd::kKicked, {}};
  const uint64_t now_ns = MonotonicNs();
  if (parts_.vcpu.interrupts_enabled()) watchdog_->OnProgress(now_ns);
  UpdateTick(action);

  const Verdict verdict = watchdog_->Look(now_ns, ThreadCpuNs);
  switch (verdict) {
    case Verdict::kWallLimit:
      return RunResult{RunEnd::kWallLimit, "the run took longer than its limit of " +
                                               Seconds(config_.watchdog.wall_limit_ns)};
    case Verdict::kSpin:
      return Failure(RunEnd::kSpin, "the guest kernel ran for " +
                                        Seconds(config_.watchdog.spin_limit_ns) +
                                        " without an answer");
    case Verdict::kFine:
    case Verdict::kAskWindow:
      break;
  }
  const bool want_window = tick_.due() || verdict == Verdict::kAskWindow;
  parts_.vcpu.RequestWindow(want_window ? Vcpu::Window::kRequest : Vcpu::Window::kIgnore);
  return std::nullopt;
}

void RunLoop::UpdateTick(ExitAction action) {
  if (config_.tick_ns == 0) return;
  if (parts_.kicker.TakeTimer()) {
    using proto::ChannelHeader;
    const uint64_t channel = config_.channel_gpa;
    TickWishes wishes{};
    wishes.tick_wanted =
        parts_.memory.Load<uint64_t>(channel + offsetof(ChannelHeader, tick_wanted)).value_or(0);
    wishes.timer_deadline_tsc =
        parts_.memory.Load<uint64_t>(channel + offsetof(ChannelHeader, timer_deadline_tsc))
            .value_or(0);
    const auto commands =
        parts_.memory.Load<proto::RingHeader>(channel + offsetof(ChannelHeader, commands));
    wishes.commands_wait = commands.has_value() && commands->produced != commands->consumed;
    tick_.OnTimer(wishes, parts_.clock.Now());
  }
  // Never in the middle of an MMIO exit, which KVM completes at the next entry.
  const bool between_instructions = action == ExitAction::kKicked || action == ExitAction::kWindow;
  if (tick_.due() && between_instructions && parts_.vcpu.can_inject() &&
      parts_.vcpu.InjectInterrupt(FV_VECTOR_TICK)) {
    tick_.OnInjected();
  }
}

void RunLoop::RequestStop() {
  stop_requested_.store(true);
  parts_.kicker.Kick();
}

IdleEnd RunLoop::WaitIdle(uint64_t wait_ns, std::span<const int> fds) {
  tick_.OnIdle();
  if (watchdog_) wait_ns = std::min(wait_ns, watchdog_->NsLeft(MonotonicNs()));
  parts_.kicker.Pause();
  IdleEnd end = IdleEnd::kSignal;
  {
    const KickBlocked blocked;
    // The caller learns of a kick here and now; Run need not tell it again.
    if (!parts_.kicker.TakeKick()) {
      end = vmm::WaitIdle(wait_ns, fds, &blocked.before());
      (void)parts_.kicker.TakeKick();
    }
    parts_.vcpu.ClearExitRequest();
  }
  parts_.kicker.Resume();
  return end;
}

RunResult RunLoop::Failure(RunEnd end, const std::string& what) const {
  return {end, what + "\n" + parts_.vcpu.DumpRegisters()};
}

}  // namespace fv::vmm
