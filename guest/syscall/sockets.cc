// SPDX-License-Identifier: Apache-2.0
//
// Sockets of the unix domain: socket(2), socketpair(2), bind(2), listen(2), accept(2), connect(2),
// shutdown(2), names. Other domains are EAFNOSUPPORT. Options: socket_options.cc; messages:
// socket_io.cc.
#include "guest/ipc/unix_socket.h"
#include "guest/lib/string.h"
#include "guest/syscall/socket_args.h"
#include "guest/task/pid.h"

namespace fv::guest {

Status CheckSocketAddress(Mm& mm, uint64_t address, int bytes) {
  char storage[128];  // struct sockaddr_storage
  if (bytes < 0 || bytes > static_cast<int>(sizeof(storage))) {
    return Error(EINVAL);
  }
  return CopyFromUser(mm, storage, address, static_cast<size_t>(bytes));
}

Result<SocketAddress> ReadSocketAddress(Mm& mm, uint64_t address, uint64_t bytes) {
  constexpr uint64_t kHead = 2;  // sun_family
  if (bytes < kHead || bytes > kHead + SocketAddress::kMaxPath) {
    return Error(EINVAL);
  }
  const auto family = TRY(ReadUser<uint16_t>(mm, address));
  if (family != kUnixDomain) {
    return Error(EINVAL);
  }
  SocketAddress out;
  out.length = static_cast<uint16_t>(bytes - kHead);
  TRY(CopyFromUser(mm, out.path, address + kHead, out.length));
  if (out.length > 0 && out.path[0] != '\0') {
    // A path ends at its first NUL; the length then counts one.
    out.length = static_cast<uint16_t>(strlen(out.path) + 1);
  }
  return out;
}

Status WriteSocketAddress(Mm& mm, const SocketAddress& from, uint64_t address,
                          uint64_t length_address) {
  const int room = TRY(ReadUser<int>(mm, length_address));
  if (room < 0) {
    return Error(EINVAL);
  }
  char out[2 + SocketAddress::kMaxPath + 1] = {};
  const uint16_t family = kUnixDomain;
  memcpy(out, &family, sizeof(family));
  memcpy(out + 2, from.path, from.length);
  const int bytes = 2 + from.length;
  TRY(CopyToUser(mm, address, out, static_cast<size_t>(bytes < room ? bytes : room)));
  return WriteUser(mm, length_address, bytes);
}

Result<SocketArgument> SocketArg(const SyscallArgs& args) {
  SocketArgument out;
  out.file = TRY(FileArgument(args, 0));
  out.socket = SocketOf(*out.file);
  if (out.socket == nullptr) {
    return Error(ENOTSOCK);
  }
  return out;
}

SocketCredentials OwnCredentials(const SyscallArgs& args) {
  return {Ref<Pid>(args.task.leader()->id()), args.task.cred().euid, args.task.cred().egid};
}

UserCredentials CredentialsSeenBy(const SyscallArgs& args, const SocketCredentials& of) {
  const uint32_t pid = of.pid ? of.pid->NumberIn(ActivePidNamespace(args.task)) : 0;
  return {pid, of.uid, of.gid};
}

namespace sys {

namespace {

constexpr uint32_t kTypeBits = 0xf;
struct Kind {
  SocketType type;
  uint32_t status;  // O_NONBLOCK
  CloseOnExecFlag cloexec;
};

Result<Kind> DecodeKind(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(1) & ~kTypeBits;
  if ((flags & ~uint32_t{O_NONBLOCK | O_CLOEXEC}) != 0) {
    return Error(EINVAL);
  }
  constexpr uint32_t kDomains = 46, kTypes = 11;  // AF_MAX, SOCK_MAX
  if (args.Uint(0) < kDomains && (args.Uint(1) & kTypeBits) >= kTypes) {
    return Error(EINVAL);
  }
  if (args.Int(0) != kUnixDomain) {
    return Error(EAFNOSUPPORT);
  }
  Kind kind{SocketType::kStream, flags & O_NONBLOCK,
            (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo};
  switch (args.Uint(1) & kTypeBits) {
    case 1:
      break;
    case 2:
    case 3:  // SOCK_RAW is taken for a datagram socket
      kind.type = SocketType::kDatagram;
      break;
    case 5:
      kind.type = SocketType::kSeqPacket;
      break;
    default:
      return Error(ESOCKTNOSUPPORT);
  }
  if (args.Int(2) != 0 && args.Int(2) != kUnixDomain) {
    return Error(EPROTONOSUPPORT);
  }
  return kind;
}

Result<uint64_t> DoAccept(const SyscallArgs& args, uint32_t flags) {
  TRY(FileArgument(args, 0));
  if ((flags & ~uint32_t{O_NONBLOCK | O_CLOEXEC}) != 0) {
    return Error(EINVAL);
  }
  const SocketArgument listener = TRY(SocketArg(args));
  FdTable& files = args.task.files();
  Ref<UnixSocket> server =
      TRY(listener.socket->Accept(BlockingUnless(listener.file->nonblocking())));
  const SocketAddress peer =
      server->peer() != nullptr ? server->peer()->address() : SocketAddress{};
  Ref<File> file = TRY(MakeSocketFile(std::move(server), flags));
  if (args.a[1] != 0) {
    TRY(WriteSocketAddress(*args.task.mm(), peer, args.a[1], args.a[2]));
  }
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return static_cast<uint64_t>(TRY(files.Add(std::move(file), cloexec, FdLimit(args))));
}

}  // namespace

Result<uint64_t> socket(const SyscallArgs& args) {
  const Kind kind = TRY(DecodeKind(args));
  Ref<UnixSocket> made = TRY(UnixSocket::Create(kind.type));
  Ref<File> file = TRY(MakeSocketFile(std::move(made), kind.status));
  return static_cast<uint64_t>(
      TRY(args.task.files().Add(std::move(file), kind.cloexec, FdLimit(args))));
}

Result<uint64_t> socketpair(const SyscallArgs& args) {
  constexpr int kInternet = 2;    // AF_INET
  constexpr int kInternet6 = 10;  // AF_INET6
  if (args.Int(0) == kInternet || args.Int(0) == kInternet6) {
    return Error(EOPNOTSUPP);
  }
  const Kind kind = TRY(DecodeKind(args));
  Ref<UnixSocket> ends[2];
  ends[0] = TRY(UnixSocket::Create(kind.type));
  ends[1] = TRY(UnixSocket::Create(kind.type));
  ends[0]->SetOwn(OwnCredentials(args));
  ends[1]->SetOwn(OwnCredentials(args));
  Ref<File> opened[2];
  opened[0] = TRY(MakeSocketFile(ends[0], kind.status));
  opened[1] = TRY(MakeSocketFile(ends[1], kind.status));
  // Connected sockets hold each other until one is closed: now both have a file that will be.
  TRY(UnixSocket::Connect(*ends[0], *ends[1]));
  return InstallPair(args, args.a[3], std::move(opened[0]), std::move(opened[1]), kind.cloexec);
}

Result<uint64_t> bind(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  SocketAddress address = TRY(ReadSocketAddress(*args.task.mm(), args.a[1], args.Uint(2)));
  if (address.length == 0) {
    // autobind: an abstract name nobody has
    address.length = 6;
    static constinit uint32_t next = 0;
    const uint32_t number = next++;
    for (unsigned i = 0; i < 5; ++i) {
      address.path[1 + i] = "0123456789abcdef"[number >> (16 - 4 * i) & 0xf];
    }
  }
  TRY(at.socket->Bind(CallerOf(args), address));
  return uint64_t{0};
}

Result<uint64_t> listen(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  TRY(at.socket->Listen(args.Int(1), OwnCredentials(args)));
  return uint64_t{0};
}

Result<uint64_t> accept(const SyscallArgs& args) { return DoAccept(args, 0); }
Result<uint64_t> accept4(const SyscallArgs& args) { return DoAccept(args, args.Uint(3)); }

Result<uint64_t> connect(const SyscallArgs& args) {
  TRY(FileArgument(args, 0));
  TRY(CheckSocketAddress(*args.task.mm(), args.a[1], args.Int(2)));
  const SocketArgument at = TRY(SocketArg(args));
  const SocketAddress address = TRY(ReadSocketAddress(*args.task.mm(), args.a[1], args.Uint(2)));
  TRY(at.socket->ConnectTo(CallerOf(args), address, BlockingUnless(at.file->nonblocking()),
                           OwnCredentials(args)));
  return uint64_t{0};
}

Result<uint64_t> shutdown(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  TRY(at.socket->Shutdown(args.Int(1)));
  return uint64_t{0};
}

Result<uint64_t> getsockname(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  TRY(WriteSocketAddress(*args.task.mm(), at.socket->address(), args.a[1], args.a[2]));
  return uint64_t{0};
}

Result<uint64_t> getpeername(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  if (at.socket->peer() == nullptr) {
    return Error(ENOTCONN);
  }
  TRY(WriteSocketAddress(*args.task.mm(), at.socket->peer()->address(), args.a[1], args.a[2]));
  return uint64_t{0};
}

}  // namespace sys
}  // namespace fv::guest
