// SPDX-License-Identifier: Apache-2.0
//
// Argument decoding of the socket calls.
#pragma once

#include "guest/ipc/unix_socket.h"
#include "guest/syscall/file_args.h"

namespace fv::guest {

inline constexpr int kUnixDomain = 1;  // AF_UNIX

struct SocketArgument {
  Ref<File> file;
  UnixSocket* socket = nullptr;
};
// Argument 0. Errors: EBADF, ENOTSOCK.
Result<SocketArgument> SocketArg(const SyscallArgs& args);
// What can be wrong with any address, of whatever family. Errors: EINVAL (its length), EFAULT.
// (Linux: move_addr_to_kernel.)
Status CheckSocketAddress(Mm& mm, uint64_t address, int bytes);
// A struct sockaddr_un. Errors: EINVAL, EFAULT.
Result<SocketAddress> ReadSocketAddress(Mm& mm, uint64_t address, uint64_t bytes);
// Writes as much as *length_address allows, and the whole length there. (Linux: move_addr_to_user.)
Status WriteSocketAddress(Mm& mm, const SocketAddress& from, uint64_t address,
                          uint64_t length_address);
// What a message of the caller carries as its sender.
SocketCredentials OwnCredentials(const SyscallArgs& args);
// struct ucred, and what the caller sees of others.
struct UserCredentials {
  uint32_t pid, uid, gid;
};
UserCredentials CredentialsSeenBy(const SyscallArgs& args, const SocketCredentials& of);

}  // namespace fv::guest
