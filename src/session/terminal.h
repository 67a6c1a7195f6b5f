// SPDX-License-Identifier: Apache-2.0
//
// The user's terminal. The host's terminal does the line editing while the guest's console is in
// its usual mode; when a guest program switches canonical mode and echo off, so does the host's.
// The settings found at the start come back with the destructor. One thread.
#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>

namespace fv::session {

struct WindowSize {
  uint16_t columns = 0;  // 0: unknown
  uint16_t rows = 0;
};

class Terminal {
 public:
  enum class Mode { kCooked, kRaw };

  // Does nothing for a descriptor that is no terminal.
  explicit Terminal(int fd);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool is_terminal() const { return saved_.has_value(); }
  // Keys that send signals go on doing so in both modes.
  void SetMode(Mode mode);
  Mode mode() const { return mode_; }

 private:
  int fd_;
  Mode mode_ = Mode::kCooked;
  std::optional<termios> saved_;
};

// Of the terminal behind `fd`; zeros if there is none.
WindowSize TerminalSize(int fd);

}  // namespace fv::session
