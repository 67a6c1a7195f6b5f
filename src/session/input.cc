// SPDX-License-Identifier: Apache-2.0
//
// Reads standard input in pieces of one command record.
#include "src/session/input.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace fv::session {

bool Input::Readable() const {
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, 0) > 0 && waiting.revents != 0;
}

void Input::Feed() {
  char piece[CommandWriter::kMaxData];
  // A slot stays free for the end of input, and for a signal or two.
  while (!ended_ && commands_.Room() > 4 && Readable()) {
    const ssize_t bytes = read(fd_, piece, sizeof(piece));
    if (bytes > 0) {
      (void)commands_.Push(proto::CommandKind::kInput, piece, static_cast<size_t>(bytes));
      continue;
    }
    if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) return;
    ended_ = true;  // end of file, or an error that will not go away
    (void)commands_.Push(proto::CommandKind::kInputEnd, nullptr, 0);
  }
}

}  // namespace fv::session
