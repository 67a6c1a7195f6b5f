// SPDX-License-Identifier: Apache-2.0
#include "src/gdb/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "src/query/socket.h"
#include "vmm/error.h"

namespace fv::gdb {
namespace {

using vmm::Fd;

// Between two questions whether to give up.
constexpr int kPatienceMs = 100;
// A client that takes no bytes for so long has gone.
constexpr timeval kSendTimeout = {.tv_sec = 5, .tv_usec = 0};

// Signals belong to the guest's thread.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Listen(uint16_t port,
                                                               std::function<void()> kick) {
  Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return absl::ErrnoToStatus(errno, "socket");
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), generic, bytes) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), generic, &bytes) != 0) {
    return absl::ErrnoToStatus(errno, "cannot listen at 127.0.0.1:" + std::to_string(port));
  }
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return absl::ErrnoToStatus(errno, "eventfd");
  return std::unique_ptr<Connection>(new Connection(std::move(listener), std::move(wake),
                                                    ntohs(address.sin_port), std::move(kick)));
}

Connection::Connection(Fd listener, Fd wake, uint16_t port, std::function<void()> kick)
    : listener_(std::move(listener)),
      wake_(std::move(wake)),
      port_(port),
      kick_(std::move(kick)),
      thread_([this] { WatchLoop(); }) {}

Connection::~Connection() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
  thread_.join();
}

void Connection::Watch() {
  {
    const std::lock_guard lock(mutex_);
    watched_ = client_.valid() ? client_.get() : listener_.get();
    wanted_ = false;
  }
  changed_.notify_all();
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
}

// A report is made once; then it waits for the next Watch.
void Connection::WatchLoop() {
  BlockSignals();
  while (true) {
    int watched;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || watched_ >= 0; });
      if (ending_) return;
      watched = watched_;
    }
    pollfd fds[] = {{watched, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) {
      uint64_t count;
      (void)!::read(wake_.get(), &count, sizeof(count));
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      watched_ = -1;
      wanted_ = true;
    }
    kick_();
  }
}

bool Connection::WaitReadable(int fd, Wait wait, const std::function<bool()>& give_up) {
  while (true) {
    pollfd one = {fd, POLLIN, 0};
    const int ready = ::poll(&one, 1, wait == Wait::kYes ? kPatienceMs : 0);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (wait == Wait::kNo || give_up()) return false;
  }
}

bool Connection::Accept(Wait wait, const std::function<bool()>& give_up) {
  if (client_.valid()) return true;
  if (!WaitReadable(listener_.get(), wait, give_up)) return false;
  client_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client_.valid()) return false;
  reader_ = {};
  acks_ = true;
  last_sent_.clear();
  const int on = 1;
  ::setsockopt(client_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(client_.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof(kSendTimeout));
  return true;
}

// nullopt: more bytes are needed.
std::optional<Input> Connection::TakeInput() {
  while (std::optional<Input> input = reader_.Next()) {
    switch (input->kind) {
      case Input::Kind::kAck:
        break;
      case Input::Kind::kNak:
        if (acks_) SendRaw(last_sent_);
        break;
      case Input::Kind::kDamaged:
        if (acks_) SendRaw("-");
        break;
      case Input::Kind::kPacket:
        if (acks_) SendRaw("+");
        return input;
      case Input::Kind::kInterrupt:
        return input;
    }
    if (!client_.valid()) break;
  }
  return std::nullopt;
}

std::optional<Input> Connection::Receive(Wait wait, const std::function<bool()>& give_up) {
  while (client_.valid()) {
    if (std::optional<Input> input = TakeInput()) return input;
    if (!client_.valid() || !WaitReadable(client_.get(), wait, give_up)) return std::nullopt;
    std::array<char, 4096> piece;
    const ssize_t got = ::recv(client_.get(), piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      Close();
      break;
    }
    reader_.Feed({piece.data(), static_cast<size_t>(got)});
  }
  return std::nullopt;
}

void Connection::Send(const std::string& data) {
  last_sent_ = FramePacket(data);
  SendRaw(last_sent_);
}

void Connection::SendRaw(const std::string& bytes) {
  if (client_.valid() && !query::SendAll(client_.get(), bytes).ok()) Close();
}

void Connection::Close() {
  // The watcher may be looking at the descriptor, whose number may come again.
  {
    const std::lock_guard lock(mutex_);
    watched_ = -1;
  }
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
  client_ = Fd();
}

}  // namespace fv::gdb
