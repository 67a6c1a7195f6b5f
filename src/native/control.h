// SPDX-License-Identifier: Apache-2.0
//
// The socket between the caller on one side, the helper, the supervisor and the program before its
// exec on the other. One message at a time; the end of one side is seen by the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "vmm/fd.h"

namespace fv::native {

struct Message {
  enum class Kind : uint8_t {
    kFailed,    // `error` while doing `what`: nothing more comes
    kNoUsers,   // the host gave the helper no user namespace, for `error`: nothing more comes
    kUnshared,  // the helper has a user namespace and waits for its users to be mapped
    kReady,     // the program stands before its exec and waits
    kEnded,     // the program ended with `wait_status`
    kGoOn,      // from the caller: what was waited for is done
  };
  Kind kind = Kind::kFailed;
  int error = 0;
  int wait_status = 0;
  char what[100] = {};  // NUL-terminated
};

struct ControlPair {
  vmm::Fd caller, helper;
};
absl::StatusOr<ControlPair> MakeControl();

// False if the other side has gone.
bool Send(int control, const Message& message);
bool SendKind(int control, Message::Kind kind);
// Sends kFailed with `error` (an errno).
void SendFailure(int control, const char* what, int error);

struct Received {
  Message message;
  pid_t sender = 0;  // in the receiver's pid namespace; on the caller's side only
};
// nullopt if the other side has gone.
std::optional<Received> Receive(int control);

}  // namespace fv::native
