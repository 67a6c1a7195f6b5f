// SPDX-License-Identifier: Apache-2.0
//
// Terminal modes and size (termios(3), ioctl_tty(2)).
#include "src/session/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace fv::session {

Terminal::Terminal(int fd) : fd_(fd) {
  termios settings;
  if (tcgetattr(fd, &settings) == 0) saved_ = settings;
}

Terminal::~Terminal() { SetMode(Mode::kCooked); }

void Terminal::SetMode(Mode mode) {
  if (!saved_ || mode == mode_) return;
  termios settings = *saved_;
  if (mode == Mode::kRaw) {
    settings.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
  }
  // TCSADRAIN: what the guest has written appears in the mode that it meant.
  if (tcsetattr(fd_, TCSADRAIN, &settings) == 0) mode_ = mode;
}

WindowSize TerminalSize(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace fv::session
