// SPDX-License-Identifier: Apache-2.0
//
// timer_create(2) with SIGEV_THREAD_ID, tgkill(2), one signal handler.
#include "vmm/kicker.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "vmm/error.h"

namespace fv::vmm {
namespace {

// The Kicker that is armed for this thread; written with the signal handler in mind.
thread_local std::atomic<Kicker*> armed_kicker = nullptr;

constexpr uint64_t kNsPerSecond = 1'000'000'000;

// Kicker::target_.
constexpr uint64_t kThreadId = 0xFFFF'FFFF;
constexpr uint64_t kUnderWay = uint64_t{1} << 32;

}  // namespace

int KickSignal() { return SIGRTMIN + 3; }

Kicker::~Kicker() { Disarm(); }

void Kicker::InstallHandler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = &Kicker::OnSignal;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (::sigaction(KickSignal(), &action, nullptr) != 0) ThrowErrno("sigaction", errno);
  });
}

void Kicker::OnSignal(int, siginfo_t* info, void*) {
  Kicker* kicker = armed_kicker.load(std::memory_order_acquire);
  if (kicker == nullptr) return;
  if (info->si_code != SI_TIMER) return kicker->NoteKick();
  kicker->timer_fired_.store(true, std::memory_order_release);
  kicker->vcpu_.RequestExit();
}

// A kick that comes behind the first line sends a signal of its own.
void Kicker::NoteKick() {
  target_.fetch_and(~kUnderWay);
  kicked_.store(true, std::memory_order_release);
  vcpu_.RequestExit();
}

void Kicker::Arm(uint64_t period_ns) {
  Disarm();
  InstallHandler();
  const int thread_id = ::gettid();
  struct sigevent event {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = KickSignal();
  event._sigev_un._tid = thread_id;
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) ThrowErrno("timer_create", errno);
  armed_kicker.store(this, std::memory_order_release);
  if (target_.exchange(static_cast<uint64_t>(thread_id)) != 0) kicked_ = true;
  // A kick of before, or one that came while somebody else ran the vCPU and did not ask.
  if (kicked_) vcpu_.RequestExit();
  period_ns_ = period_ns;
  SetPeriod(period_ns_);
}

void Kicker::Disarm() {
  const uint64_t armed = target_.load() & kThreadId;
  if (armed == 0) return;
  // Whoever has set kUnderWay is about to send the signal.
  for (uint64_t still = armed; !target_.compare_exchange_weak(still, 0); still = armed) {
    ::sched_yield();
  }
  ::timer_delete(timer_);
  armed_kicker.store(nullptr, std::memory_order_release);
}

void Kicker::Pause() {
  if ((target_.load() & kThreadId) != 0) SetPeriod(0);
}

void Kicker::Resume() {
  if ((target_.load() & kThreadId) != 0) SetPeriod(period_ns_);
}

void Kicker::SetPeriod(uint64_t period_ns) {
  itimerspec spec{};
  spec.it_interval.tv_sec = static_cast<time_t>(period_ns / kNsPerSecond);
  spec.it_interval.tv_nsec = static_cast<long>(period_ns % kNsPerSecond);
  spec.it_value = spec.it_interval;
  if (::timer_settime(timer_, 0, &spec, nullptr) != 0) ThrowErrno("timer_settime", errno);
}

void Kicker::Kick() {
  const int saved_errno = errno;
  const uint64_t before = target_.fetch_or(kUnderWay);
  const auto thread_id = static_cast<pid_t>(before & kThreadId);
  // A signal that is under way tells of this kick too.
  const bool send = thread_id != 0 && (before & kUnderWay) == 0;
  if (send && ::syscall(SYS_tgkill, ::getpid(), thread_id, KickSignal()) != 0) {
    NoteKick();  // no room for one more signal (RLIMIT_SIGPENDING): the next exit shows it
  }
  errno = saved_errno;
}

}  // namespace fv::vmm
