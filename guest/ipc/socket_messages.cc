// SPDX-License-Identifier: Apache-2.0
//
// Messages between unix sockets: sending, receiving, what happens when an end is gone.
#include <new>

#include "guest/fs/object.h"
#include "guest/fs/task_hooks.h"
#include "guest/ipc/unix_socket.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint64_t kSocketBuffer = 212992;  // net.core.wmem_default
constexpr uint64_t kStreamPiece = 16384;    // data of one message of a stream
constexpr unsigned kMaxDatagrams = 10;      // net.unix.max_dgram_qlen

SocketMessage* NewMessage(uint64_t bytes) {
  void* memory = KernelAllocate(sizeof(SocketMessage) + bytes);
  SocketMessage* message = memory == nullptr ? nullptr : new (memory) SocketMessage();
  if (message != nullptr) {
    message->bytes = static_cast<uint32_t>(bytes);
  }
  return message;
}

void FreeMessage(SocketMessage* message, uint64_t bytes) {
  if (message->files != nullptr) {
    DestroyObject(message->files);
  }
  message->~SocketMessage();
  KernelFree(message, sizeof(SocketMessage) + bytes);
}

}  // namespace

SocketFiles::~SocketFiles() {
  for (uint32_t i = 0; i < count; ++i) {
    files[i].~Ref<File>();
  }
  KernelFree(files, kMost * sizeof(Ref<File>));
}

Status SocketFiles::Add(Ref<File> file) {
  if (count == kMost) {
    return Error(EINVAL);
  }
  if (files == nullptr) {
    files = static_cast<Ref<File>*>(KernelAllocate(kMost * sizeof(Ref<File>)));
    if (files == nullptr) {
      return Error(ENOMEM);
    }
  }
  new (&files[count++]) Ref<File>(std::move(file));
  return Ok();
}

void UnixSocket::Drop(SocketMessage& message) {
  Unlink(message.link);
  queued_bytes_ -= message.bytes - message.offset;
  --message_count_;
  FreeMessage(&message, message.bytes);
}

bool UnixSocket::RoomFor(uint64_t bytes) const {
  if (stream()) {
    return queued_bytes_ < kSocketBuffer;
  }
  const bool count_left = type_ != SocketType::kDatagram || message_count_ < kMaxDatagrams;
  return count_left && (messages_.empty() || queued_bytes_ + bytes <= kSocketBuffer);
}

bool UnixSocket::ReadEnded() const {
  return read_shut_ || (type_ != SocketType::kDatagram && was_connected_ && !peer_);
}

Status UnixSocket::Broken(const SendOptions& options) {
  if (type_ != SocketType::kDatagram && !options.no_signal) {
    SignalCurrentTask(kSignalPipe);
  }
  return Error(EPIPE);
}

Status UnixSocket::WaitForRoom(UnixSocket& target, uint64_t bytes, Blocking blocking) {
  if (target.RoomFor(bytes) || target.closed_ || target.read_shut_) {
    return Ok();
  }
  if (blocking == Blocking::kNo) {
    return Error(EAGAIN);
  }
  return WaitUntil(target.writers_, kNoDeadline, [&] {
    return target.RoomFor(bytes) || target.closed_ || target.read_shut_ || write_shut_;
  });
}

Result<uint64_t> UnixSocket::SendPiece(UnixSocket& target, IoBuffer& from, uint64_t bytes,
                                       SendOptions& options) {
  SocketMessage* message = NewMessage(bytes);
  if (message == nullptr) {
    return Error(ENOMEM);
  }
  const size_t moved = from.CopyIn(message->data(), bytes);
  if (moved < bytes && (!stream() || moved == 0)) {
    FreeMessage(message, bytes);
    return Error(EFAULT);
  }
  // The copy may have let nobody else run, so the target is as it was checked.
  message->sender = options.sender;
  message->from = address_;
  message->files = options.files;
  options.files = nullptr;
  target.messages_.PushBack(*message);
  ++target.message_count_;
  // A short copy leaves the tail of the message unused: it counts as read already.
  if (moved < bytes) {
    memmove(message->data() + (bytes - moved), message->data(), moved);
    message->offset = static_cast<uint32_t>(bytes - moved);
  }
  target.queued_bytes_ += moved;
  target.readers_.WakeAll();
  return uint64_t{moved};
}

Result<uint64_t> UnixSocket::Send(const PathCaller* caller, IoBuffer& from, SendOptions& options) {
  if (const int error = TakeError(); error != 0) {
    return Error(error);
  }
  Ref<UnixSocket> target = peer_;
  if (options.to != nullptr) {
    if (type_ != SocketType::kDatagram) {
      return Error(was_connected_ ? EISCONN : EOPNOTSUPP);
    }
    target = TRY(Target(*caller, *options.to, type_));
  }
  if (!target) {
    if (!was_connected_) {
      return Error(ENOTCONN);
    }
    return type_ == SocketType::kDatagram ? Result<uint64_t>(Error(ECONNREFUSED))
                                          : Result<uint64_t>(Broken(options).error());
  }
  const uint64_t total = from.remaining();
  if (!stream() && total > kSocketBuffer) {
    return Error(EMSGSIZE);
  }
  do {
    const uint64_t left = from.remaining();
    const uint64_t bytes = stream() && left > kStreamPiece ? kStreamPiece : left;
    Status status = WaitForRoom(*target, bytes, options.blocking);
    if (status.ok() && (write_shut_ || target->read_shut_ || target->closed_)) {
      status = target->closed_ && type_ == SocketType::kDatagram ? Status(Error(ECONNREFUSED))
                                                                 : Broken(options);
    }
    if (status.ok() && !(stream() && bytes == 0)) {
      const Result<uint64_t> sent = SendPiece(*target, from, bytes, options);
      status = sent.ok() ? Ok() : Status(sent.error());
    }
    if (!status.ok()) {
      return from.done() > 0 ? Result<uint64_t>(from.done()) : Result<uint64_t>(status.error());
    }
  } while (from.remaining() > 0 && !from.faulted());
  return uint64_t{from.done()};
}

Status UnixSocket::WaitForMessage(Blocking blocking) {
  if (!messages_.empty() || ReadEnded() || error_ != 0) {
    return Ok();
  }
  if (type_ != SocketType::kDatagram && !was_connected_) {
    return Error(type_ == SocketType::kStream ? EINVAL : ENOTCONN);
  }
  if (blocking == Blocking::kNo) {
    return Error(EAGAIN);
  }
  return WaitUntil(readers_, kNoDeadline,
                   [&] { return !messages_.empty() || ReadEnded() || error_ != 0; });
}

// Copies what fits and, unless it peeks, takes it out. Returns how much.
uint64_t UnixSocket::TakeFrom(SocketMessage& message, IoBuffer& to, const ReceiveOptions& options) {
  const uint64_t there = message.bytes - message.offset;
  const uint64_t moved = to.CopyOut(message.data() + message.offset, there);
  if (options.peek) {
    return moved;
  }
  if (stream() && moved < there) {
    message.offset += static_cast<uint32_t>(moved);
    queued_bytes_ -= moved;
  } else {
    Drop(message);
  }
  writers_.WakeAll();
  return moved;
}

Result<uint64_t> UnixSocket::Receive(IoBuffer& to, ReceiveOptions& options) {
  const uint64_t wanted = to.remaining();
  if (stream() && wanted == 0) {
    return uint64_t{0};
  }
  TRY(WaitForMessage(options.blocking));
  do {
    if (messages_.empty()) {
      if (const int error = to.done() == 0 ? TakeError() : 0; error != 0) {
        return Error(error);
      }
      break;
    }
    SocketMessage& message = *messages_.front();
    // Bytes of two senders' credentials or behind descriptors are not mixed in one read.
    if (options.has_message && (message.files != nullptr || options.files != nullptr)) {
      break;
    }
    options.has_message = true;
    options.from = message.from;
    options.sender = message.sender;
    options.full_bytes = message.bytes - message.offset;
    options.truncated = !stream() && options.full_bytes > to.remaining();
    if (!options.peek) {
      options.files = message.files;
      message.files = nullptr;
    }
    TakeFrom(message, to, options);
    if (!stream() || options.peek || to.faulted()) {
      break;
    }
    if (messages_.empty() && options.wait_all && to.remaining() > 0 &&
        !WaitForMessage(options.blocking).ok()) {
      break;
    }
  } while (to.remaining() > 0);
  return to.Outcome();
}

}  // namespace fv::guest
