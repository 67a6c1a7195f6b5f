// SPDX-License-Identifier: Apache-2.0
//
// Names, connections and the end of a socket; messages are in socket_messages.cc.
#include "guest/ipc/unix_socket.h"

#include <linux/poll.h>

#include <new>

#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/vfs.h"
#include "guest/ipc/socket_wait.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

using BoundList = ListView<UnixSocket, &UnixSocket::bound_link>;

// All sockets with a name. Zero until the first.
constinit proto::Link bound_sockets{0, 0};

BoundList Bound() {
  if (!IsLinked(bound_sockets)) {
    InitHead(bound_sockets);
  }
  return BoundList(bound_sockets);
}

}  // namespace

Result<Ref<UnixSocket>> UnixSocket::Create(SocketType type) {
  UnixSocket* socket = MakeObject<UnixSocket>(type);
  if (socket == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<UnixSocket>::Adopt(socket);
}

UnixSocket::~UnixSocket() {
  Unlink(bound_link);
  while (!messages_.empty()) {
    Drop(*messages_.front());
  }
}

void UnixSocket::Release() {
  if (--refs_ == 0) {
    DestroyObject(this);
  }
}

Status UnixSocket::Connect(UnixSocket& a, UnixSocket& b) {
  a.peer_ = Ref<UnixSocket>(b);
  b.peer_ = Ref<UnixSocket>(a);
  a.was_connected_ = true;
  b.was_connected_ = true;
  a.peer_credentials_ = b.self_credentials_;
  b.peer_credentials_ = a.self_credentials_;
  return Ok();
}

int UnixSocket::TakeError() {
  const int error = error_;
  error_ = 0;
  return error;
}

UnixSocket* UnixSocket::FindBound(const Inode& inode) {
  for (UnixSocket& socket : Bound()) {
    if (socket.bound_.get() == &inode) {
      return &socket;
    }
  }
  return nullptr;
}

UnixSocket* UnixSocket::FindAbstract(const SocketAddress& address) {
  for (UnixSocket& socket : Bound()) {
    if (socket.address_.abstract() && socket.address_.length == address.length &&
        memcmp(socket.address_.path, address.path, address.length) == 0) {
      return &socket;
    }
  }
  return nullptr;
}

Status UnixSocket::Bind(const PathCaller& caller, const SocketAddress& address) {
  if (address.abstract()) {
    if (address_.length != 0 || FindAbstract(address) != nullptr) {
      return Error(address_.length != 0 ? EINVAL : EADDRINUSE);
    }
  } else {
    constexpr int kAtFdCwd = -100;
    ParentLookup where;
    TRY(LookupParent(caller, kAtFdCwd, address.path, where));
    if (address_.length != 0) {
      return Error(where.child ? EADDRINUSE : EINVAL);
    }
    Result<Ref<Dentry>> made = CreateNode(caller, where, kTypeSocket | 0777, 0);
    if (!made.ok()) {
      return Error(made.error().number() == EEXIST ? EADDRINUSE : made.error().number());
    }
    bound_ = Ref<Inode>(made.value()->inode());
  }
  address_ = address;
  Bound().PushBack(*this);
  return Ok();
}

Status UnixSocket::Listen(int backlog, const SocketCredentials& self) {
  if (type_ == SocketType::kDatagram) {
    return Error(EOPNOTSUPP);
  }
  if (address_.length == 0 || peer_) {
    return Error(EINVAL);
  }
  constexpr int kSomaxconn = 4096;
  backlog_limit_ =
      static_cast<unsigned>(backlog < 0 || backlog > kSomaxconn ? kSomaxconn : backlog);
  listening_ = true;
  self_credentials_ = self;
  writers_.WakeAll();
  return Ok();
}

// The socket that `address` names. Errors: ECONNREFUSED, EACCES, ENOENT, EPROTOTYPE...
Result<Ref<UnixSocket>> UnixSocket::Target(const PathCaller& caller, const SocketAddress& address,
                                           SocketType type) {
  UnixSocket* target = nullptr;
  if (address.abstract()) {
    target = FindAbstract(address);
  } else {
    constexpr int kAtFdCwd = -100;
    const Ref<Dentry> dentry = TRY(Lookup(caller, kAtFdCwd, address.path, kLookupFollow));
    TRY(CheckAccess(dentry->inode(), caller.cred, kMayWrite));
    target = dentry->inode().type() == kTypeSocket ? FindBound(dentry->inode()) : nullptr;
  }
  if (target == nullptr) {
    return Error(ECONNREFUSED);
  }
  if (target->type_ != type) {
    return Error(EPROTOTYPE);
  }
  return Ref<UnixSocket>(*target);
}

Status UnixSocket::ConnectTo(const PathCaller& caller, const SocketAddress& address,
                             Blocking blocking, const SocketCredentials& self) {
  Ref<UnixSocket> target = TRY(Target(caller, address, type_));
  self_credentials_ = self;
  if (type_ == SocketType::kDatagram) {
    peer_ = target;
    was_connected_ = true;
    writers_.WakeAll();
    return Ok();
  }
  if (listening_) {
    return Error(EINVAL);
  }
  if (was_connected_) {
    return Error(EISCONN);
  }
  if (!target->listening_) {
    return Error(ECONNREFUSED);
  }
  if (target->backlog_count_ > target->backlog_limit_) {
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    UnixSocket& listener = *target;
    TRY(WaitOnSocket(listener.writers_, send_timeout_ns, [&] {
      return listener.closed_ || listener.backlog_count_ <= listener.backlog_limit_;
    }));
    if (listener.closed_) {
      return Error(ECONNREFUSED);
    }
  }
  Ref<UnixSocket> server = TRY(Create(type_));
  server->address_ = target->address_;
  server->self_credentials_ = target->self_credentials_;
  TRY(Connect(*this, *server));
  target->backlog_.PushBack(*server.Leak());  // the backlog owns it until accept
  ++target->backlog_count_;
  target->readers_.WakeAll();
  return Ok();
}

Result<Ref<UnixSocket>> UnixSocket::Accept(Blocking blocking) {
  if (type_ == SocketType::kDatagram) {
    return Error(EOPNOTSUPP);
  }
  if (!listening_) {
    return Error(EINVAL);
  }
  if (backlog_.empty()) {
    if (blocking == Blocking::kNo) {
      return Error(EAGAIN);
    }
    TRY(WaitOnSocket(readers_, receive_timeout_ns,
                     [&] { return !backlog_.empty() || read_shut_; }));
    if (backlog_.empty()) {
      return Error(EINVAL);
    }
  }
  UnixSocket* server = backlog_.front();
  Unlink(server->pending_link_);
  --backlog_count_;
  writers_.WakeAll();
  return Ref<UnixSocket>::Adopt(server);
}

Status UnixSocket::Shutdown(int how) {
  constexpr int kReadOnly = 0;
  constexpr int kWriteOnly = 1;
  constexpr int kBoth = 2;
  if (how < kReadOnly || how > kBoth) {
    return Error(EINVAL);
  }
  if (!peer_ && !was_connected_ && !listening_) {
    return Error(ENOTCONN);
  }
  read_shut_ = read_shut_ || how != kWriteOnly;
  write_shut_ = write_shut_ || how != kReadOnly;
  readers_.WakeAll();
  writers_.WakeAll();
  if (peer_ && type_ != SocketType::kDatagram) {
    peer_->read_shut_ = peer_->read_shut_ || how != kReadOnly;
    peer_->write_shut_ = peer_->write_shut_ || how != kWriteOnly;
    peer_->readers_.WakeAll();
    peer_->writers_.WakeAll();
  }
  return Ok();
}

void UnixSocket::Close() {
  closed_ = true;
  Unlink(bound_link);
  bound_ = nullptr;
  while (!backlog_.empty()) {
    UnixSocket* server = backlog_.front();
    Unlink(server->pending_link_);
    server->Close();
    server->Release();
  }
  const Ref<UnixSocket> peer = peer_;
  peer_ = nullptr;
  if (peer && peer->peer_.get() == this) {
    if (type_ != SocketType::kDatagram) {
      peer->error_ = messages_.empty() ? peer->error_ : ECONNRESET;
      peer->read_shut_ = true;
    }
    peer->peer_ = nullptr;
    peer->readers_.WakeAll();
    peer->writers_.WakeAll();
  }
  while (!messages_.empty()) {
    Drop(*messages_.front());
  }
  readers_.WakeAll();
  writers_.WakeAll();
}

uint32_t UnixSocket::Poll(PollTable* table) {
  const bool connected = type_ != SocketType::kDatagram;
  if (table != nullptr) {
    table->Wait(readers_);
    table->Wait(peer_ ? peer_->writers_ : writers_);
  }
  uint32_t events = error_ != 0 ? POLLERR : 0;
  if (listening_) {
    return events | (backlog_.empty() ? 0 : POLLIN | POLLRDNORM);
  }
  if (!messages_.empty() || ReadEnded()) {
    events |= POLLIN | POLLRDNORM;
  }
  if (connected && ReadEnded()) {
    events |= POLLRDHUP;
  }
  if (connected && (!peer_ || (read_shut_ && write_shut_))) {
    events |= POLLHUP;
  }
  if (!peer_ || peer_->RoomFor(1)) {
    events |= POLLOUT | POLLWRNORM | POLLWRBAND;
  }
  return events;
}

}  // namespace fv::guest
