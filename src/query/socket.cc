// SPDX-License-Identifier: Apache-2.0
#include "src/query/socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace fv::query {
namespace {

using vmm::Fd;

absl::Status ErrnoError(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("--vm=", path, ": a socket's path has 1 to ",
                                                   sizeof(address.sun_path) - 1, " characters"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

absl::StatusOr<Fd> Connect(const sockaddr_un& address) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return ErrnoError("socket");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.get(), generic, sizeof(address)) != 0) {
    return absl::NotFoundError(absl::StrCat("--vm=", address.sun_path, ": ", std::strerror(errno),
                                            " (start a guest with run --vm=", address.sun_path,
                                            ")"));
  }
  return socket;
}

// Removes what a server that was killed has left.
absl::Status ClearPath(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return absl::OkStatus();
  if (!S_ISSOCK(status.st_mode) || Connect(address).ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat("--vm=", path,
                     S_ISSOCK(status.st_mode) ? ": another guest is there" : ": a file is there"));
  }
  return ::unlink(path.c_str()) == 0 ? absl::OkStatus() : ErrnoError("unlink " + path);
}

absl::StatusOr<std::string> ReceiveAll(int fd) {
  std::string text;
  char piece[16 * 1024];
  while (true) {
    const ssize_t got = ::recv(fd, piece, sizeof(piece), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError("recv");
    if (got == 0) return text;
    text.append(piece, static_cast<size_t>(got));
  }
}

// All of `bytes`, with a copy of the descriptor `file`.
absl::Status SendWithFile(int fd, std::string_view bytes, int file) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(file))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(file));
  std::memcpy(CMSG_DATA(rights), &file, sizeof(file));
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return ErrnoError("sendmsg");
  return SendAll(fd, bytes.substr(static_cast<size_t>(sent)));
}

// The descriptor that came with a message.
Fd FileOf(msghdr& message) {
  const cmsghdr* const rights = CMSG_FIRSTHDR(&message);
  int file = kNoFile;
  if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
      rights->cmsg_len == CMSG_LEN(sizeof(file))) {
    std::memcpy(&file, CMSG_DATA(rights), sizeof(file));
  }
  return Fd(file);
}

}  // namespace

Received ReceiveRequest(int fd) {
  Received received;
  char piece[4096];
  while (received.bytes.size() <= kMaxRequestBytes) {
    iovec buffer{piece, sizeof(piece)};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &buffer;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_LEN(sizeof(int));  // no more than one fits
    const ssize_t got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    if (Fd file = FileOf(message); file.valid()) received.file = std::move(file);
    if (got == 0) return received;
    received.bytes.append(piece, static_cast<size_t>(got));
  }
  return {};
}

absl::Status SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return ErrnoError("send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::StatusOr<Fd> ListenAt(const std::string& path) {
  absl::StatusOr<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  absl::Status cleared = ClearPath(path, *address);
  if (!cleared.ok()) return cleared;
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return ErrnoError("socket");
  constexpr mode_t kOthers = 0177;
  const mode_t former = ::umask(kOthers);
  const int bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address));
  const int error = errno;
  ::umask(former);
  errno = error;
  constexpr int kBacklog = 8;
  if (bound != 0 || ::listen(socket.get(), kBacklog) != 0) return ErrnoError("--vm=" + path);
  return socket;
}

absl::StatusOr<std::string> AskServer(const std::string& path, Format format, const Words& words,
                                      int file) {
  absl::StatusOr<sockaddr_un> address = AddressOf(path);
  if (!address.ok()) return address.status();
  absl::StatusOr<Fd> socket = Connect(*address);
  if (!socket.ok()) return socket.status();
  const std::string request = RequestBytes({format, words});
  absl::Status sent = file == kNoFile ? SendAll(socket->get(), request)
                                      : SendWithFile(socket->get(), request, file);
  if (!sent.ok()) return sent;
  if (::shutdown(socket->get(), SHUT_WR) != 0) return ErrnoError("shutdown");
  absl::StatusOr<std::string> text = ReceiveAll(socket->get());
  if (!text.ok()) return text.status();
  if (text->empty()) return absl::UnavailableError("the guest ended before it could answer");
  if ((*text)[0] != kAnswered) return absl::InvalidArgumentError(text->substr(1));
  return text->substr(1);
}

absl::StatusOr<Request> ParseRequest(std::string_view bytes) {
  if (bytes.empty() || bytes.back() != '\0') {
    return absl::InvalidArgumentError("the request does not end with a word's end");
  }
  bytes.remove_suffix(1);
  Request request;
  const std::string text(bytes);
  request.words = absl::StrSplit(text, '\0');
  const std::string format = request.words.front();
  request.words.erase(request.words.begin());
  if (format != "console" && format != "json") {
    return absl::InvalidArgumentError("the request begins with neither console nor json");
  }
  request.format = format == "json" ? Format::kJson : Format::kConsole;
  return request;
}

std::string RequestBytes(const Request& request) {
  std::string bytes = request.format == Format::kJson ? "json" : "console";
  bytes.push_back('\0');
  for (const std::string& word : request.words) {
    bytes += word;
    bytes.push_back('\0');
  }
  return bytes;
}

}  // namespace fv::query
