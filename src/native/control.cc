// SPDX-License-Identifier: Apache-2.0
//
// The sender's pid comes as the kernel's credentials (unix(7)), which are translated between pid
// namespaces.
#include "src/native/control.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace fv::native {

absl::StatusOr<ControlPair> MakeControl() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    return absl::UnavailableError(std::string("socketpair: ") + strerrordesc_np(errno));
  }
  ControlPair pair{.caller = vmm::Fd(fds[0]), .helper = vmm::Fd(fds[1])};
  const int on = 1;
  if (setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
    return absl::UnavailableError(std::string("SO_PASSCRED: ") + strerrordesc_np(errno));
  }
  return pair;
}

bool Send(int control, const Message& message) {
  ssize_t sent;
  do {
    sent = send(control, &message, sizeof(message), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == sizeof(message);
}

bool SendKind(int control, Message::Kind kind) {
  Message message;
  message.kind = kind;
  return Send(control, message);
}

void SendFailure(int control, const char* what, int error) {
  Message message;
  message.kind = Message::Kind::kFailed;
  message.error = error;
  strncpy(message.what, what, sizeof(message.what) - 1);
  (void)Send(control, message);
}

std::optional<Received> Receive(int control) {
  Received received;
  iovec piece{.iov_base = &received.message, .iov_len = sizeof(received.message)};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(ucred))];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = space;
  header.msg_controllen = sizeof(space);
  ssize_t got;
  do {
    got = recvmsg(control, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof(received.message)) return std::nullopt;
  received.message.what[sizeof(received.message.what) - 1] = '\0';
  const cmsghdr* item = CMSG_FIRSTHDR(&header);
  if (item != nullptr && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_CREDENTIALS) {
    ucred sender;
    memcpy(&sender, CMSG_DATA(item), sizeof(sender));
    received.sender = sender.pid;
  }
  return received;
}

}  // namespace fv::native
