// SPDX-License-Identifier: Apache-2.0
//
// setsockopt(2), getsockopt(2): the options of socket(7) and unix(7).
#include "guest/ipc/unix_socket.h"
#include "guest/syscall/socket_args.h"

namespace fv::guest::sys {

namespace {

constexpr int kLevelSocket = 1;  // SOL_SOCKET
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerMicrosecond = 1'000;
constexpr int64_t kMicrosecondsPerSecond = 1'000'000;

enum SocketOption {
  kReuseAddress = 2,
  kType = 3,
  kError = 4,
  kDoNotRoute = 5,
  kBroadcast = 6,
  kSendBuffer = 7,
  kReceiveBuffer = 8,
  kKeepAlive = 9,
  kOutOfBandInline = 10,
  kPassCredentials = 16,
  kPeerCredentials = 17,
  kReceiveTimeout = 20,
  kSendTimeout = 21,
  kAcceptConnections = 30,
  kProtocol = 38,
  kDomain = 39,
  kReceiveTimeoutNew = 66,
  kSendTimeoutNew = 67,
};

// Options that a unix socket keeps and never looks at.
bool IsSwitch(int option) {
  return option == kReuseAddress || option == kDoNotRoute || option == kBroadcast ||
         option == kKeepAlive || option == kOutOfBandInline;
}

Result<int> OptionValue(UnixSocket& socket, int option) {
  constexpr int kBufferBytes = 212992;
  if (IsSwitch(option)) {
    return static_cast<int>(socket.switches >> option & 1);
  }
  switch (option) {
    case kType:
      return static_cast<int>(socket.type());
    case kError:
      return socket.TakeError();
    case kSendBuffer:
    case kReceiveBuffer:
      return kBufferBytes;
    case kAcceptConnections:
      return socket.listening() ? 1 : 0;
    case kPassCredentials:
      return socket.pass_credentials ? 1 : 0;
    case kDomain:
      return kUnixDomain;
    case kProtocol:
      return 0;
    default:
      return Error(ENOPROTOOPT);
  }
}

struct UserTimeval {
  int64_t seconds;
  int64_t microseconds;
};

// SO_RCVTIMEO and SO_SNDTIMEO, under their old and their new numbers; nullptr: another option.
uint64_t* TimeoutOf(UnixSocket& socket, int option) {
  switch (option) {
    case kReceiveTimeout:
    case kReceiveTimeoutNew:
      return &socket.receive_timeout_ns;
    case kSendTimeout:
    case kSendTimeoutNew:
      return &socket.send_timeout_ns;
    default:
      return nullptr;
  }
}

// Nothing is for ever, and so is what no clock reaches; a negative time is none.
Result<uint64_t> SetTimeout(const SyscallArgs& args, uint64_t& timeout_ns) {
  constexpr int64_t kForEver = INT64_MAX / 2 / kNsPerSecond;
  if (args.Uint(4) < sizeof(UserTimeval)) {
    return Error(EINVAL);
  }
  const auto time = TRY(ReadUser<UserTimeval>(*args.task.mm(), args.a[3]));
  if (time.microseconds < 0 || time.microseconds >= kMicrosecondsPerSecond) {
    return Error(EDOM);
  }
  const bool none = time.seconds == 0 && time.microseconds == 0;
  if (time.seconds < 0) {
    timeout_ns = 0;
  } else if (none || time.seconds >= kForEver) {
    timeout_ns = kNoDeadline;
  } else {
    timeout_ns =
        static_cast<uint64_t>(time.seconds * kNsPerSecond + time.microseconds * kNsPerMicrosecond);
  }
  return uint64_t{0};
}

UserTimeval TimevalOf(uint64_t timeout_ns) {
  if (timeout_ns == kNoDeadline) {
    return {0, 0};
  }
  const auto ns = static_cast<int64_t>(timeout_ns);
  return {ns / kNsPerSecond, ns % kNsPerSecond / kNsPerMicrosecond};
}

Result<uint64_t> GiveOption(Mm& mm, const SyscallArgs& args, const void* value, size_t bytes) {
  const int room = TRY(ReadUser<int>(mm, args.a[4]));
  if (room < 0) {
    return Error(EINVAL);
  }
  const size_t given = bytes < static_cast<size_t>(room) ? bytes : static_cast<size_t>(room);
  TRY(CopyToUser(mm, args.a[3], value, given));
  TRY(WriteUser(mm, args.a[4], static_cast<int>(given)));
  return uint64_t{0};
}

}  // namespace

Result<uint64_t> setsockopt(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  const int bytes = args.Int(4);
  if (bytes < 0) {
    return Error(EINVAL);
  }
  if (args.Int(1) != kLevelSocket) {
    return Error(EOPNOTSUPP);
  }
  if (bytes < static_cast<int>(sizeof(int))) {
    return Error(EINVAL);
  }
  const int value = TRY(ReadUser<int>(*args.task.mm(), args.a[3]));
  if (uint64_t* timeout = TimeoutOf(*at.socket, args.Int(2)); timeout != nullptr) {
    return SetTimeout(args, *timeout);
  }
  if (args.Int(2) == kPassCredentials) {
    at.socket->pass_credentials = value != 0;
    return uint64_t{0};
  }
  if (IsSwitch(args.Int(2))) {
    const uint32_t bit = 1u << args.Int(2);
    at.socket->switches = (at.socket->switches & ~bit) | (value != 0 ? bit : 0);
    return uint64_t{0};
  }
  // The others that exist change nothing that a program could see.
  return OptionValue(*at.socket, args.Int(2) == kError ? kType : args.Int(2)).ok()
             ? Result<uint64_t>(uint64_t{0})
             : Result<uint64_t>(Error(ENOPROTOOPT));
}

Result<uint64_t> getsockopt(const SyscallArgs& args) {
  const SocketArgument at = TRY(SocketArg(args));
  Mm& mm = *args.task.mm();
  if (args.Int(1) != kLevelSocket) {
    return Error(EOPNOTSUPP);
  }
  if (args.Int(2) == kPeerCredentials) {
    const UserCredentials peer = CredentialsSeenBy(args, at.socket->peer_credentials());
    return GiveOption(mm, args, &peer, sizeof(peer));
  }
  if (const uint64_t* timeout = TimeoutOf(*at.socket, args.Int(2)); timeout != nullptr) {
    const UserTimeval time = TimevalOf(*timeout);
    return GiveOption(mm, args, &time, sizeof(time));
  }
  const int value = TRY(OptionValue(*at.socket, args.Int(2)));
  return GiveOption(mm, args, &value, sizeof(value));
}

}  // namespace fv::guest::sys
