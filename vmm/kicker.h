// SPDX-License-Identifier: Apache-2.0
//
// Gets a vCPU's thread out of KVM_RUN: a periodic POSIX timer for ticks, and Kick from anywhere.
// Both send KickSignal() to the thread; the handler notes which it was and sets immediate_exit, so
// a signal that arrives just before KVM_RUN is not lost. The destructor and Disarm stop the timer.
//
// A kick is noted by its signal alone, in the thread that it is for: one that asks for notes with
// the signal blocked sees every kick once, and no signal comes behind its note. What else keeps it
// exact: a kick of nobody waits for Arm, and Disarm waits for a signal that is being sent.
//
// The handler is installed once in the process, with SA_RESTART: other slow system calls of that
// thread go on (poll and its kin return EINTR). A signal for a thread without an armed Kicker does
// nothing.
#pragma once

#include <csignal>
#include <ctime>

#include <atomic>
#include <cstdint>

#include "vmm/vcpu.h"

namespace fv::vmm {

// SIGRTMIN + 3: no other part of the program may use it.
int KickSignal();

class Kicker {
 public:
  explicit Kicker(Vcpu& vcpu) : vcpu_(vcpu) {}
  ~Kicker();
  Kicker(const Kicker&) = delete;
  Kicker& operator=(const Kicker&) = delete;

  // Starts the timer for the calling thread, which must run the vCPU, with KickSignal() not
  // blocked. Throws VmmError.
  void Arm(uint64_t period_ns);
  // By the same thread, the signal not blocked either.
  void Disarm();
  // Stops the timer for a while, keeps the thread known; Resume starts it again.
  void Pause();
  void Resume();

  // Any thread, signal handlers too: the current Vcpu::Run, or the next one between Arm and Disarm,
  // returns Interrupted. Kicks of which no note was taken yet are one.
  void Kick();

  // Whether there was a kick since the last call.
  bool TakeKick() { return kicked_.exchange(false, std::memory_order_acq_rel); }
  // Whether the timer fired since the last call.
  bool TakeTimer() { return timer_fired_.exchange(false, std::memory_order_acq_rel); }

 private:
  static void InstallHandler();
  static void OnSignal(int signal, siginfo_t* info, void* context);
  // A kick has arrived.
  void NoteKick();
  void SetPeriod(uint64_t period_ns);

  Vcpu& vcpu_;
  std::atomic<bool> timer_fired_ = false;
  std::atomic<bool> kicked_ = false;
  // Whom to kick: the id of the thread between Arm and Disarm, else 0; and kUnderWay, from a Kick
  // until it is noted.
  std::atomic<uint64_t> target_ = 0;
  static_assert(std::atomic<uint64_t>::is_always_lock_free);  // for signal handlers
  uint64_t period_ns_ = 0;
  timer_t timer_{};
};

// A Kicker that is armed for a scope.
class KickerArmed {
 public:
  KickerArmed(Kicker& kicker, uint64_t period_ns) : kicker_(kicker) { kicker_.Arm(period_ns); }
  ~KickerArmed() { kicker_.Disarm(); }
  KickerArmed(const KickerArmed&) = delete;
  KickerArmed& operator=(const KickerArmed&) = delete;

 private:
  Kicker& kicker_;
};

}  // namespace fv::vmm
