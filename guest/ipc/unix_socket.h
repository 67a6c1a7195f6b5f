// SPDX-License-Identifier: Apache-2.0
//
// Unix-domain sockets (unix(7)): stream, datagram and seqpacket; bound to paths or abstract names;
// descriptors and credentials travel with messages. A UnixSocket is the end that a File opens;
// peers refer to each other until one closes. Locking: unix_state_lock of each end, the smaller
// address first. Reference counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/file.h"
#include "guest/fs/inode.h"
#include "guest/fs/path.h"
#include "guest/lib/blocking.h"
#include "guest/lib/list.h"
#include "guest/lib/pid.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/lib/wait_queue.h"

namespace fv::guest {

enum class SocketType : uint8_t { kStream = 1, kDatagram = 2, kSeqPacket = 5 };

// sun_path of an address, `length` bytes. length 0: no name; a first byte of 0: an abstract name.
struct SocketAddress {
  static constexpr size_t kMaxPath = 108;
  uint16_t length = 0;
  char path[kMaxPath + 1] = {};  // always NUL-terminated
  bool abstract() const { return length > 0 && path[0] == '\0'; }
};

// Who sent, or listens: each reader sees the pid of its own pid namespace (struct ucred).
struct SocketCredentials {
  Ref<Pid> pid;  // null: nobody
  uint32_t uid = 0;
  uint32_t gid = 0;
  bool operator==(const SocketCredentials& other) const {
    return pid.get() == other.pid.get() && uid == other.uid && gid == other.gid;
  }
};

// Descriptors under way. Owns its references.
struct SocketFiles {
  static constexpr uint32_t kMost = 253;  // SCM_MAX_FD
  SocketFiles() = default;
  SocketFiles(const SocketFiles&) = delete;
  SocketFiles& operator=(const SocketFiles&) = delete;
  ~SocketFiles();
  // Errors: ENOMEM, EINVAL (too many).
  Status Add(Ref<File> file);
  Status AddAll(const SocketFiles& other);
  uint32_t count = 0;
  Ref<File>* files = nullptr;  // room for kMost
};

struct SocketMessage {
  proto::Link link{0, 0};
  SocketCredentials sender;
  SocketAddress from;
  SocketFiles* files = nullptr;  // owned
  uint32_t bytes = 0;
  uint32_t offset = 0;  // of what has not been read (streams)
  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }
};

struct SendOptions {
  Blocking blocking = Blocking::kYes;
  const SocketAddress* to = nullptr;  // sendto(2) on datagram sockets
  SocketCredentials sender;
  SocketFiles* files = nullptr;  // taken over when the message is sent
  bool no_signal = false;        // MSG_NOSIGNAL
};

struct ReceiveOptions {
  Blocking blocking = Blocking::kYes;
  bool peek = false;
  bool wait_all = false;
  // Results.
  SocketAddress from;
  SocketCredentials sender;
  SocketFiles* files = nullptr;  // the caller's now
  bool truncated = false;        // a datagram was longer than the buffer
  uint64_t full_bytes = 0;       // its whole length (MSG_TRUNC)
  bool has_message = false;
};

class UnixSocket {
 public:
  static Result<Ref<UnixSocket>> Create(SocketType type);
  // Two connected ends (socketpair).
  static Status Connect(UnixSocket& a, UnixSocket& b);
  void AddRef() { ++refs_; }
  void Release();

  SocketType type() const { return type_; }
  const SocketAddress& address() const { return address_; }
  UnixSocket* peer() const { return peer_.get(); }
  const SocketCredentials& peer_credentials() const { return peer_credentials_; }
  void SetOwn(const SocketCredentials& credentials) { self_credentials_ = credentials; }
  bool listening() const { return listening_; }
  int TakeError();

  // Errors: those of bind(2), listen(2), connect(2), accept(2), shutdown(2).
  Status Bind(const PathCaller& caller, const SocketAddress& address);
  Status Listen(int backlog, const SocketCredentials& self);
  Status ConnectTo(const PathCaller& caller, const SocketAddress& address, Blocking blocking,
                   const SocketCredentials& self);
  Result<Ref<UnixSocket>> Accept(Blocking blocking);
  Status Shutdown(int how);
  // The file is gone.
  void Close();

  Result<uint64_t> Send(const PathCaller* caller, IoBuffer& from, SendOptions& options);
  Result<uint64_t> Receive(IoBuffer& to, ReceiveOptions& options);
  uint32_t Poll(PollTable* table);
  // FIONREAD: of datagrams the first one's.
  uint64_t readable_bytes() const;
  bool pass_credentials = false;  // SO_PASSCRED
  uint32_t switches = 0;          // options that are on and do nothing, by their numbers
  // SO_RCVTIMEO and SO_SNDTIMEO: how long each wait may last. kNoDeadline: for ever.
  uint64_t receive_timeout_ns = kNoDeadline;
  uint64_t send_timeout_ns = kNoDeadline;
  proto::Link bound_link{0, 0};  // on the list of sockets with a name

 private:
  template <typename T, typename... Args>
  friend T* MakeObject(Args&&...);
  template <typename T>
  friend void DestroyObject(T*);
  explicit UnixSocket(SocketType type) : type_(type) {}
  ~UnixSocket();

  static UnixSocket* FindBound(const Inode& inode);
  static UnixSocket* FindAbstract(const SocketAddress& address);
  static Result<Ref<UnixSocket>> Target(const PathCaller& caller, const SocketAddress& address,
                                        SocketType type);
  bool stream() const { return type_ == SocketType::kStream; }
  bool RoomFor(uint64_t bytes) const;
  bool ReadEnded() const;
  Status WaitForRoom(UnixSocket& target, uint64_t bytes, Blocking blocking);
  Status SendPiece(UnixSocket& target, IoBuffer& from, uint64_t bytes, SendOptions& options);
  Status WaitForMessage(Blocking blocking);
  static Status GiveFiles(SocketMessage& message, ReceiveOptions& options);
  Result<uint64_t> TakeFrom(SocketMessage& message, IoBuffer& to, ReceiveOptions& options);
  void Drop(SocketMessage& message);
  Status Broken(const SendOptions& options);

  uint32_t refs_ = 1;
  SocketType type_;
  bool listening_ = false;
  bool closed_ = false;
  bool was_connected_ = false;
  bool read_shut_ = false;
  bool write_shut_ = false;
  int error_ = 0;
  unsigned backlog_limit_ = 0;
  unsigned backlog_count_ = 0;
  unsigned message_count_ = 0;
  uint64_t queued_bytes_ = 0;
  SocketAddress address_;
  SocketCredentials self_credentials_;
  SocketCredentials peer_credentials_;
  Ref<UnixSocket> peer_;
  Ref<Inode> bound_;                // the inode of address_.path
  proto::Link pending_link_{0, 0};  // on a listener's backlog
  List<UnixSocket, &UnixSocket::pending_link_> backlog_;
  List<SocketMessage, &SocketMessage::link> messages_;
  WaitQueue readers_;  // of messages and connections
  WaitQueue writers_;  // who waits for room in messages_ or the backlog
};

// A file on a socket: "socket:[N]". `flags` of O_NONBLOCK. Errors: ENOMEM.
Result<Ref<File>> MakeSocketFile(Ref<UnixSocket> socket, uint32_t flags);
// nullptr: `file` is no socket.
UnixSocket* SocketOf(File& file);

}  // namespace fv::guest
