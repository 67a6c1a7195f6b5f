// SPDX-License-Identifier: Apache-2.0
//
// Between the queues (mqueue.cc) and their names (mqueue_names.cc).
#pragma once

#include <cstdint>

#include "guest/fs/inode.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/task/cred.h"

namespace fv::guest {

// A queue of that size; `charged` bytes of RLIMIT_MSGQUEUE are the user's until it goes. Errors:
// ENOMEM.
Result<Ref<Inode>> MakeMqueueInode(uint32_t mode, int64_t max_messages, int64_t message_bytes,
                                   UserAccount& user, uint64_t charged);
Superblock& MqueueSuperblock();
uint32_t MqueueCount();

}  // namespace fv::guest
