// SPDX-License-Identifier: Apache-2.0
//
// Signal handlers and their notes. Everything that a handler touches is a lock-free atomic
// (signal-safety(7)).
#include "src/session/signals.h"

#include <array>
#include <atomic>
#include <utility>

namespace fv::session {
namespace {

// Keys that came while the guest never waited for input: so many end the run.
constexpr int kImpatience = 3;

struct Notes {
  std::atomic<vmm::MachineInterface*> machine{nullptr};
  std::atomic<int> stop{0};
  std::atomic<int> interrupts{0};  // keys SIGINT and SIGQUIT since BePatient
  std::atomic<int> last_interrupt{0};
  std::atomic<bool> resize{false};
  std::array<std::atomic<bool>, NSIG> keys{};
};
Notes g_notes;

void OnSignal(int signal_number) {
  if (signal_number == SIGWINCH) {
    g_notes.resize = true;
  } else if (signal_number == SIGTERM || signal_number == SIGHUP) {
    g_notes.stop = signal_number;
  } else {
    g_notes.keys[static_cast<size_t>(signal_number)] = true;
    if (signal_number != SIGTSTP) {
      g_notes.last_interrupt = signal_number;
      if (++g_notes.interrupts >= kImpatience) g_notes.stop = signal_number;
    }
  }
  if (vmm::MachineInterface* machine = g_notes.machine) machine->Kick();
}

}  // namespace

Signals::Signals(vmm::MachineInterface& machine, Keys keys) {
  g_notes.stop = 0;
  g_notes.interrupts = 0;
  g_notes.last_interrupt = 0;
  g_notes.resize = false;
  for (auto& key : g_notes.keys) key = false;
  g_notes.machine = &machine;
  for (int number : {SIGINT, SIGQUIT, SIGWINCH, SIGTERM, SIGHUP}) Handle(number);
  if (keys == Keys::kForward) Handle(SIGTSTP);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction former {};
  sigaction(SIGPIPE, &ignore, &former);
  saved_.emplace_back(SIGPIPE, former);
}

Signals::~Signals() {
  for (const auto& [number, action] : saved_) sigaction(number, &action, nullptr);
  g_notes.machine = nullptr;
}

void Signals::Handle(int signal_number) {
  struct sigaction former {};
  sigaction(signal_number, nullptr, &former);
  // What the parent ignored (nohup, background jobs of a simple shell) stays ignored.
  if (former.sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
  saved_.emplace_back(signal_number, former);
}

std::optional<int> StopSignal() {
  const int signal_number = g_notes.stop;
  return signal_number == 0 ? std::nullopt : std::optional<int>(signal_number);
}

std::optional<int> StopSignalOrKey() {
  int none = 0;
  g_notes.stop.compare_exchange_strong(none, g_notes.last_interrupt);
  return StopSignal();
}

std::optional<int> Signals::stop() const { return StopSignal(); }

std::vector<int> Signals::TakeKeys() {
  std::vector<int> keys;
  for (size_t number = 1; number < NSIG; ++number) {
    if (g_notes.keys[number].exchange(false)) keys.push_back(static_cast<int>(number));
  }
  return keys;
}

void Signals::BePatient() { g_notes.interrupts = 0; }

bool Signals::TakeResize() { return g_notes.resize.exchange(false); }

}  // namespace fv::session
