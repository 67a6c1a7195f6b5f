// SPDX-License-Identifier: Apache-2.0
//
// Reads standard input in pieces of one command record.
#include "src/session/input.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fv::session {
namespace {

constexpr size_t kReadBytes = 4096;
// Slots kept for the end of input, a signal and a new window size.
constexpr uint64_t kSpareSlots = 4;
// VEOF of a fresh terminal (termios(3)), on the host and in the guest.
constexpr char kEndOfFileKey = 4;

}  // namespace

bool Input::Readable() const {
  pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, 0) > 0 && waiting.revents != 0;
}

void Input::Pass(const char* bytes, size_t length) {
  for (size_t at = 0; at < length; at += CommandWriter::kMaxData) {
    (void)commands_.Push(proto::CommandKind::kInput, bytes + at,
                         std::min(CommandWriter::kMaxData, length - at));
  }
}

void Input::Feed(Source source) {
  char bytes[kReadBytes];
  while (!ended_ && commands_.Room() > kSpareSlots && Readable()) {
    const size_t room = (commands_.Room() - kSpareSlots) * CommandWriter::kMaxData;
    const size_t wanted = std::min(room, sizeof(bytes));
    const ssize_t got = read(fd_, bytes, wanted);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got < 0 || (got == 0 && source != Source::kLineTerminal)) {
      ended_ = true;  // end of file, or an error that will not go away
      (void)commands_.Push(proto::CommandKind::kInputEnd, nullptr, 0);
      return;
    }
    const auto length = static_cast<size_t>(got);
    Pass(bytes, length);
    // Less than a line comes only by the end-of-file key (or a line longer than the piece).
    if (source == Source::kLineTerminal && (length == 0 || bytes[length - 1] != '\n') &&
        length < wanted) {
      Pass(&kEndOfFileKey, 1);
    }
  }
}

}  // namespace fv::session
