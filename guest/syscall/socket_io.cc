// SPDX-License-Identifier: Apache-2.0
//
// sendto(2), recvfrom(2), sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2), with descriptors and
// credentials in control messages (cmsg(3), unix(7)).
#include <linux/capability.h>

#include "guest/fs/object.h"
#include "guest/ipc/unix_socket.h"
#include "guest/syscall/rusage.h"
#include "guest/syscall/socket_args.h"
#include "guest/task/pid.h"

namespace fv::guest::sys {

namespace {

constexpr int kLevelSocket = 1;  // SOL_SOCKET
constexpr int kRights = 1;       // SCM_RIGHTS
constexpr int kCredentials = 2;  // SCM_CREDENTIALS
enum MessageFlag : uint32_t {
  kOutOfBand = 1,
  kPeek = 2,
  kControlTruncated = 8,
  kTruncated = 0x20,
  kDontWait = 0x40,
  kWaitAll = 0x100,
  kNoSignal = 0x4000,
  kCloexecRights = 0x40000000,
  kCompat = 0x80000000,  // MSG_CMSG_COMPAT: the kernel's own
};
constexpr uint64_t kMaxControl = 4096;

struct MessageHeader {  // struct msghdr of the kernel
  uint64_t name;
  int32_t name_bytes;
  int32_t pad0;
  uint64_t iovec;
  uint64_t iovec_count;
  uint64_t control;
  uint64_t control_bytes;
  uint32_t flags;
  uint32_t pad1;
};
static_assert(sizeof(MessageHeader) == 56);

struct ControlHeader {  // struct cmsghdr
  uint64_t bytes;
  int32_t level;
  int32_t type;
};

constexpr uint64_t AlignControl(uint64_t bytes) { return (bytes + 7) & ~uint64_t{7}; }

// Owns the descriptors of a message until it is sent.
struct FilesHolder {
  FilesHolder() = default;
  FilesHolder(const FilesHolder&) = delete;
  FilesHolder& operator=(const FilesHolder&) = delete;
  ~FilesHolder() {
    if (files != nullptr) {
      DestroyObject(files);
    }
  }
  SocketFiles* files = nullptr;
};

Blocking BlockingOf(const File& file, uint32_t flags) {
  return BlockingUnless(file.nonblocking() || (flags & kDontWait) != 0);
}

Status TakeRights(const SyscallArgs& args, uint64_t at, uint64_t bytes, FilesHolder& out) {
  if (out.files == nullptr) {
    out.files = MakeObject<SocketFiles>();
    if (out.files == nullptr) {
      return Error(ENOMEM);
    }
  }
  for (uint64_t i = 0; i + sizeof(int) <= bytes; i += sizeof(int)) {
    const int fd = TRY(ReadUser<int>(*args.task.mm(), at + i));
    Ref<File> file = TRY(args.task.files().GetPath(fd));
    TRY(out.files->Add(std::move(file)));
  }
  return Ok();
}

Status TakeCredentials(const SyscallArgs& args, uint64_t at, uint64_t bytes,
                       SocketCredentials& out) {
  if (bytes != sizeof(UserCredentials)) {
    return Error(EINVAL);
  }
  const auto claimed = TRY(ReadUser<UserCredentials>(*args.task.mm(), at));
  const Credentials& cred = args.task.cred();
  const PidNamespace& space = ActivePidNamespace(args.task);
  const bool pid_ok = claimed.pid == TgidIn(args.task, space) || cred.Capable(CAP_SYS_ADMIN);
  const bool uid_ok = claimed.uid == cred.uid || claimed.uid == cred.euid ||
                      claimed.uid == cred.suid || cred.Capable(CAP_SETUID);
  const bool gid_ok = claimed.gid == cred.gid || claimed.gid == cred.egid ||
                      claimed.gid == cred.sgid || cred.Capable(CAP_SETGID);
  if (!pid_ok || !uid_ok || !gid_ok) {
    return Error(EPERM);
  }
  Pid* pid = FindPid(claimed.pid, space);
  if (pid == nullptr) {
    return Error(ESRCH);
  }
  out = {Ref<Pid>(*pid), claimed.uid, claimed.gid};
  return Ok();
}

Status DecodeControl(const SyscallArgs& args, const MessageHeader& header, FilesHolder& files,
                     SocketCredentials& sender) {
  if (header.control == 0 || header.control_bytes == 0) {
    return Ok();
  }
  if (header.control_bytes > kMaxControl) {
    return Error(ENOBUFS);
  }
  uint64_t at = 0;
  while (at + sizeof(ControlHeader) <= header.control_bytes) {
    const auto control = TRY(ReadUser<ControlHeader>(*args.task.mm(), header.control + at));
    if (control.bytes < sizeof(ControlHeader) || control.bytes > header.control_bytes - at) {
      return Error(EINVAL);
    }
    const uint64_t data = header.control + at + sizeof(ControlHeader);
    const uint64_t bytes = control.bytes - sizeof(ControlHeader);
    if (control.level == kLevelSocket && control.type == kRights) {
      TRY(TakeRights(args, data, bytes, files));
    } else if (control.level == kLevelSocket && control.type == kCredentials) {
      TRY(TakeCredentials(args, data, bytes, sender));
    } else if (control.level == kLevelSocket) {
      return Error(EINVAL);
    }
    at += AlignControl(control.bytes);
  }
  return Ok();
}

// Errors: EMSGSIZE, and those of any iovec array.
Status LoadIovec(Mm& mm, const MessageHeader& header, IovecArgument& iovec) {
  if (header.iovec_count > kMaxIovec) {
    return Error(EMSGSIZE);
  }
  return iovec.Load(mm, header.iovec, header.iovec_count);
}

Status RefuseCompat(uint32_t flags) {
  return (flags & kCompat) != 0 ? Status(Error(EINVAL)) : Ok();
}

// No message has urgent data.
Status RefuseOutOfBand(const UnixSocket& socket, uint32_t flags) {
  if ((flags & kOutOfBand) == 0) {
    return Ok();
  }
  return Error(socket.type() == SocketType::kStream ? EINVAL : EOPNOTSUPP);
}

Result<uint64_t> SendHeader(const SyscallArgs& args, const SocketArgument& at,
                            const MessageHeader& header, uint32_t flags) {
  Mm& mm = *args.task.mm();
  SendOptions options;
  options.blocking = BlockingOf(*at.file, flags);
  options.no_signal = (flags & kNoSignal) != 0;
  options.sender = OwnCredentials(args);
  SocketAddress to;
  if (header.name != 0 && header.name_bytes > 0) {
    to = TRY(ReadSocketAddress(mm, header.name, static_cast<uint64_t>(header.name_bytes)));
    options.to = &to;
  }
  IovecArgument iovec;
  TRY(LoadIovec(mm, header, iovec));
  FilesHolder files;
  TRY(DecodeControl(args, header, files, options.sender));
  IoBuffer from = iovec.Buffer(mm);
  options.files = files.files;
  const PathCaller caller = CallerOf(args);
  Result<uint64_t> sent = at.socket->Send(&caller, from, options);
  files.files = options.files;  // null once a message took them
  return sent;
}

// Puts control messages into the receiver's buffer as they fit.
class ControlWriter {
 public:
  ControlWriter(Mm& mm, MessageHeader& header) : mm_(mm), header_(header) {}
  uint64_t room() const {
    const uint64_t left = header_.control_bytes - used_;
    return left < sizeof(ControlHeader) ? 0 : left - sizeof(ControlHeader);
  }
  Status Put(int type, const void* data, uint64_t bytes) {
    if (room() == 0 && bytes > 0) {
      header_.flags |= kControlTruncated;
      return Ok();
    }
    if (room() < bytes) {
      header_.flags |= kControlTruncated;
      bytes = room();
    }
    const ControlHeader head{sizeof(ControlHeader) + bytes, kLevelSocket, type};
    TRY(WriteUser(mm_, header_.control + used_, head));
    TRY(CopyToUser(mm_, header_.control + used_ + sizeof(head), data, bytes));
    const uint64_t taken = AlignControl(head.bytes);
    used_ = used_ + taken < header_.control_bytes ? used_ + taken : header_.control_bytes;
    return Ok();
  }
  uint64_t used() const { return used_; }

 private:
  Mm& mm_;
  MessageHeader& header_;
  uint64_t used_ = 0;
};

Status GiveRights(const SyscallArgs& args, SocketFiles& files, uint32_t flags,
                  MessageHeader& header, ControlWriter& control) {
  int fds[SocketFiles::kMost];
  uint32_t given = 0;
  const uint64_t fit = control.room() / sizeof(int);
  while (given < files.count && given < fit) {
    const CloseOnExecFlag cloexec =
        (flags & kCloexecRights) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
    const Result<int> fd = args.task.files().Add(files.files[given], cloexec, FdLimit(args));
    if (!fd.ok()) {
      break;
    }
    fds[given++] = fd.value();
  }
  if (given < files.count) {
    header.flags |= kControlTruncated;
  }
  return given == 0 ? Ok() : control.Put(kRights, fds, given * sizeof(int));
}

Result<uint64_t> ReceiveHeader(const SyscallArgs& args, const SocketArgument& at,
                               MessageHeader& header, uint32_t flags) {
  Mm& mm = *args.task.mm();
  IovecArgument iovec;
  TRY(LoadIovec(mm, header, iovec));
  TRY(RefuseOutOfBand(*at.socket, flags));
  IoBuffer to = iovec.Buffer(mm);
  ReceiveOptions options;
  options.blocking = BlockingOf(*at.file, flags);
  options.peek = (flags & kPeek) != 0;
  options.wait_all = (flags & kWaitAll) != 0;
  Result<uint64_t> got = at.socket->Receive(to, options);
  FilesHolder files;
  files.files = options.files;
  if (!got.ok()) {
    return got;
  }
  header.flags = options.truncated ? uint32_t{kTruncated} : 0;
  header.flags |= flags & kCloexecRights;
  ControlWriter control(mm, header);
  if (at.socket->pass_credentials && options.has_message) {
    const UserCredentials sender = CredentialsSeenBy(args, options.sender);
    TRY(control.Put(kCredentials, &sender, sizeof(sender)));
  }
  if (files.files != nullptr) {
    TRY(GiveRights(args, *files.files, flags, header, control));
  }
  header.control_bytes = control.used();
  if (header.name != 0) {
    const bool named = at.socket->type() == SocketType::kDatagram && options.from.length > 0;
    header.name_bytes = named ? 2 + options.from.length : 0;
    char address[2 + SocketAddress::kMaxPath + 1] = {kUnixDomain, 0};
    __builtin_memcpy(address + 2, options.from.path, options.from.length);
    TRY(CopyToUser(mm, header.name, address, static_cast<size_t>(header.name_bytes)));
  }
  return options.truncated && (flags & kTruncated) != 0 ? Result<uint64_t>(options.full_bytes)
                                                        : Result<uint64_t>(got.value());
}

// The buffer of sendto and recvfrom, cut to what one call transfers before it is looked at.
Result<IoBuffer> MessageArgument(const SyscallArgs& args) {
  const uint64_t bytes = args.a[2] < kMaxTransfer ? args.a[2] : kMaxTransfer;
  return BufferArgument(*args.task.mm(), args.a[1], bytes);
}

}  // namespace

Result<uint64_t> sendto(const SyscallArgs& args) {
  IoBuffer from = TRY(MessageArgument(args));
  const SocketArgument at = TRY(SocketArg(args));
  SendOptions options;
  options.blocking = BlockingOf(*at.file, args.Uint(3));
  options.no_signal = (args.Uint(3) & kNoSignal) != 0;
  options.sender = OwnCredentials(args);
  SocketAddress to;
  if (args.a[4] != 0) {
    to = TRY(ReadSocketAddress(*args.task.mm(), args.a[4], args.Uint(5)));
    options.to = &to;
  }
  const PathCaller caller = CallerOf(args);
  return at.socket->Send(&caller, from, options);
}

Result<uint64_t> recvfrom(const SyscallArgs& args) {
  IoBuffer to = TRY(MessageArgument(args));
  const SocketArgument at = TRY(SocketArg(args));
  const uint32_t flags = args.Uint(3);
  TRY(RefuseOutOfBand(*at.socket, flags));
  ReceiveOptions options;
  options.blocking = BlockingOf(*at.file, flags);
  options.peek = (flags & kPeek) != 0;
  options.wait_all = (flags & kWaitAll) != 0;
  Result<uint64_t> got = at.socket->Receive(to, options);
  FilesHolder files;
  files.files = options.files;  // recvfrom has no place for descriptors
  if (!got.ok()) {
    return got;
  }
  if (args.a[4] != 0) {
    TRY(WriteSocketAddress(*args.task.mm(), options.from, args.a[4], args.a[5]));
  }
  return options.truncated && (flags & kTruncated) != 0 ? Result<uint64_t>(options.full_bytes)
                                                        : Result<uint64_t>(got.value());
}

Result<uint64_t> sendmsg(const SyscallArgs& args) {
  TRY(RefuseCompat(args.Uint(2)));
  const SocketArgument at = TRY(SocketArg(args));
  const auto header = TRY(ReadUser<MessageHeader>(*args.task.mm(), args.a[1]));
  return SendHeader(args, at, header, args.Uint(2));
}

Result<uint64_t> recvmsg(const SyscallArgs& args) {
  TRY(RefuseCompat(args.Uint(2)));
  const SocketArgument at = TRY(SocketArg(args));
  auto header = TRY(ReadUser<MessageHeader>(*args.task.mm(), args.a[1]));
  const uint64_t got = TRY(ReceiveHeader(args, at, header, args.Uint(2)));
  TRY(WriteUser(*args.task.mm(), args.a[1], header));
  return got;
}

// struct mmsghdr: a header and the bytes that were transferred.
Result<uint64_t> sendmmsg(const SyscallArgs& args) {
  constexpr uint64_t kEntryBytes = 64;
  TRY(RefuseCompat(args.Uint(3)));
  const SocketArgument at = TRY(SocketArg(args));
  const uint32_t count = args.Uint(2) < kMaxIovec ? args.Uint(2) : kMaxIovec;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t entry = args.a[1] + i * kEntryBytes;
    const auto header = TRY(ReadUser<MessageHeader>(*args.task.mm(), entry));
    const Result<uint64_t> sent = SendHeader(args, at, header, args.Uint(3));
    if (!sent.ok()) {
      return i > 0 ? Result<uint64_t>(i) : Result<uint64_t>(sent.error());
    }
    TRY(WriteUser(*args.task.mm(), entry + sizeof(MessageHeader),
                  static_cast<uint32_t>(sent.value())));
  }
  return uint64_t{count};
}

Result<uint64_t> recvmmsg(const SyscallArgs& args) {
  constexpr uint64_t kEntryBytes = 64;
  constexpr uint32_t kWaitForOne = 0x10000;
  TRY(RefuseCompat(args.Uint(3)));
  if (args.a[4] != 0) {
    const auto timeout = TRY(ReadUser<Timespec>(*args.task.mm(), args.a[4]));
    TRY(NsOf(timeout));
  }
  const SocketArgument at = TRY(SocketArg(args));
  const uint32_t count = args.Uint(2) < kMaxIovec ? args.Uint(2) : kMaxIovec;
  uint32_t flags = args.Uint(3);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t entry = args.a[1] + i * kEntryBytes;
    auto header = TRY(ReadUser<MessageHeader>(*args.task.mm(), entry));
    const Result<uint64_t> got = ReceiveHeader(args, at, header, flags & ~kWaitForOne);
    if (!got.ok()) {
      return i > 0 ? Result<uint64_t>(i) : Result<uint64_t>(got.error());
    }
    TRY(WriteUser(*args.task.mm(), entry, header));
    TRY(WriteUser(*args.task.mm(), entry + sizeof(MessageHeader),
                  static_cast<uint32_t>(got.value())));
    flags |= (flags & kWaitForOne) != 0 ? uint32_t{kDontWait} : 0;
  }
  return uint64_t{count};
}

}  // namespace fv::guest::sys
