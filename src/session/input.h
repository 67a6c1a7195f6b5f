// SPDX-License-Identifier: Apache-2.0
//
// Console input: the host's standard input into the guest's command ring. Reads only what the
// guest asks for, so that a program which reads nothing leaves the input to others. One thread.
#pragma once

#include "src/session/ring.h"

namespace fv::session {

class Input {
 public:
  Input(int fd, CommandWriter& commands) : fd_(fd), commands_(commands) {}

  // What the descriptor is at the moment. On a terminal that edits lines, the end-of-file key ends
  // one read and not the input: the guest gets the key, and has an own notion of lines.
  enum class Source { kStream, kLineTerminal, kRawTerminal };

  // Passes on what can be read without waiting; the end of input once. At most one ring full.
  void Feed(Source source = Source::kStream);
  // There may be more input.
  bool open() const { return !ended_; }
  int fd() const { return fd_; }

 private:
  bool Readable() const;
  void Pass(const char* bytes, size_t length);

  int fd_;
  CommandWriter& commands_;
  bool ended_ = false;
};

}  // namespace fv::session
