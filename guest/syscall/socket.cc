// SPDX-License-Identifier: Apache-2.0
//
// socket(2) and connect(2) for unix sockets that nobody listens for (guest/fs/socket.h).
#include "guest/fs/socket.h"

#include "guest/syscall/file_args.h"

namespace fv::guest::sys {

namespace {

// <sys/socket.h> is the C library's; the kernel's own header has the address families only.
constexpr uint32_t kFamilyUnix = 1;
constexpr uint32_t kTypeMask = 0xF;
constexpr uint32_t kStream = 1, kDatagram = 2, kRaw = 3, kSeqPacket = 5;
constexpr uint32_t kPathOffset = 2;      // sockaddr_un.sun_path
constexpr uint32_t kAddressBytes = 110;  // sizeof(sockaddr_un)

}  // namespace

Result<uint64_t> socket(const SyscallArgs& args) {
  const uint32_t flags = args.Uint(1) & ~kTypeMask;
  const uint32_t type = args.Uint(1) & kTypeMask;
  if ((flags & ~uint32_t{O_CLOEXEC | O_NONBLOCK}) != 0) {
    return Error(EINVAL);
  }
  if (args.Uint(0) != kFamilyUnix) {
    return Error(EAFNOSUPPORT);
  }
  if (args.Uint(2) != 0 && args.Uint(2) != kFamilyUnix) {
    return Error(EPROTONOSUPPORT);
  }
  if (type != kStream && type != kDatagram && type != kRaw && type != kSeqPacket) {
    return Error(ESOCKTNOSUPPORT);
  }
  Ref<File> file = TRY(MakeUnixSocket(flags));
  const CloseOnExecFlag cloexec =
      (flags & O_CLOEXEC) != 0 ? CloseOnExecFlag::kYes : CloseOnExecFlag::kNo;
  return static_cast<uint64_t>(TRY(args.task.files().Add(std::move(file), cloexec, FdLimit(args))));
}

Result<uint64_t> connect(const SyscallArgs& args) {
  Ref<File> file = TRY(FileArgument(args, 0));
  if (!file->IsSocket()) {
    return Error(ENOTSOCK);
  }
  const uint32_t bytes = args.Uint(2);
  if (bytes <= kPathOffset || bytes > kAddressBytes) {
    return Error(EINVAL);
  }
  char address[kAddressBytes + 1] = {};
  TRY(CopyFromUser(*args.task.mm(), address, args.a[1], bytes));
  if (static_cast<uint8_t>(address[0]) != kFamilyUnix || address[1] != 0) {
    return Error(EINVAL);
  }
  if (address[kPathOffset] == '\0') {
    return Error(ECONNREFUSED);  // an abstract name, and nobody has one
  }
  TRY(ConnectUnixSocket(CallerOf(args), address + kPathOffset));
  return uint64_t{0};
}

}  // namespace fv::guest::sys
