// SPDX-License-Identifier: Apache-2.0
//
// Host signals during a run. The handlers only note what came and kick the machine; the session
// looks at the notes on the vCPU's thread. One object at a time (signals belong to the process).
#pragma once

#include <csignal>
#include <optional>
#include <vector>

#include "vmm/machine_interface.h"

namespace fv::session {

// The signal that asks for an end of the run that is going on, as Signals::stop says. Any thread.
std::optional<int> StopSignal();
// The same before the program's first instruction, when no key can be meant for it: one ends the
// run.
std::optional<int> StopSignalOrKey();

class Signals {
 public:
  // What becomes of SIGTSTP: without a terminal for the guest it stops the command.
  enum class Keys { kIgnore, kForward };
  // Handles SIGINT, SIGQUIT, SIGWINCH, SIGTERM, SIGHUP from now on, SIGTSTP if `keys` says so;
  // ignores SIGPIPE. The former actions come back with the destructor.
  Signals(vmm::MachineInterface& machine, Keys keys);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The signal that asks for an end of the run (SIGTERM, SIGHUP, or a key pressed three times since
  // BePatient), if one came.
  std::optional<int> stop() const;
  // The guest waits for what is typed: it is not deaf to keys.
  void BePatient();
  // Signals for the guest's foreground group since the last call.
  std::vector<int> TakeKeys();
  // True once after each change of the terminal's size.
  bool TakeResize();

 private:
  void Handle(int signal_number);

  std::vector<std::pair<int, struct sigaction>> saved_;
};

}  // namespace fv::session
