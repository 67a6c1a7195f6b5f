// SPDX-License-Identifier: Apache-2.0
//
// The packets of the remote serial protocol as questions to a Target ("GDB Remote Serial Protocol",
// Packets and General Query Packets). Pure: no socket, no guest. A client may send anything: what
// is malformed gets an error, what is unknown the empty answer that the protocol has for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/gdb/target.h"

namespace fv::gdb {

struct Reply {
  std::string output;               // for the user, before the answer (monitor)
  std::optional<std::string> data;  // the answer; nullopt: it comes when the target stops again
  enum class Action { kNone, kResume, kDetach, kKill, kStopAcks } action = Action::kNone;
  Resume resume;  // kResume
};

class Protocol {
 public:
  explicit Protocol(Target& target) : target_(target) {}

  Reply Handle(std::string_view packet);
  // The packet that tells of a stop. The thread on the CPU is the selected one from now on.
  std::string Stopped(const StopReason& reason);
  // The one that tells that the first program ended with this wait status.
  static std::string Exited(int wait_status);

 private:
  std::string Answer(std::string_view packet, Reply& reply);
  std::string Query(std::string_view packet, Reply& reply);
  std::string Features(std::string_view range) const;
  std::string ReadAllRegisters() const;
  std::string WriteAllRegisters(std::string_view digits);
  std::string ReadOneRegister(std::string_view number) const;
  std::string WriteOneRegister(std::string_view assignment);
  std::string ReadMemory(std::string_view range) const;
  enum class Encoding { kHex, kBinary };
  std::string WriteMemory(std::string_view request, Encoding encoding);
  std::string SelectThread(std::string_view request);
  std::string ThreadIsAlive(std::string_view id) const;
  std::string ThreadList() const;
  std::string ThreadName(std::string_view id) const;
  enum class Change { kInsert, kRemove };
  std::string Breakpoint(std::string_view request, Change change);
  std::string Continue(std::string_view actions, Reply& reply);
  std::string Monitor(std::string_view digits, Reply& reply);
  bool HasThread(ThreadId thread) const;

  Target& target_;
  ThreadId selected_ = 0;  // for registers and memory; 0: the one on the CPU
  StopReason last_stop_;
  ThreadId Selected() const { return selected_ == 0 ? target_.Current() : selected_; }
};

}  // namespace fv::gdb
