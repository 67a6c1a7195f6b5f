// SPDX-License-Identifier: Apache-2.0
//
// Message: one message of a queue, POSIX (mqueue.h) or System V (sysv_messages.h), with its bytes
// behind the header in one allocation. Whoever takes it off a queue owns it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/lib/list.h"
#include "guest/lib/result.h"
#include "guest/mm/slab.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

struct Message {
  proto::Link link{0, 0};
  int64_t type = 0;  // mtype; the priority in a POSIX queue
  size_t bytes = 0;

  uint8_t* data() { return reinterpret_cast<uint8_t*>(this + 1); }

  // The bytes at user address `from`. Errors: EFAULT, ENOMEM.
  static Result<Message*> FromUser(Mm& mm, uint64_t from, size_t bytes, int64_t type) {
    void* memory = KernelAllocate(sizeof(Message) + bytes);
    if (memory == nullptr) {
      return Error(ENOMEM);
    }
    auto* message = new (memory) Message;
    message->type = type;
    message->bytes = bytes;
    if (const Status copied = CopyFromUser(mm, message->data(), from, bytes); !copied.ok()) {
      Free(message);
      return copied.error();
    }
    return message;
  }
  static void Free(Message* message) { KernelFree(message, sizeof(Message) + message->bytes); }
};

// A queue's messages; the queue's owner frees what is left.
using MessageList = List<Message, &Message::link>;

inline void FreeMessages(MessageList& messages) {
  while (Message* message = messages.front()) {
    MessageList::Remove(*message);
    Message::Free(message);
  }
}

}  // namespace fv::guest
