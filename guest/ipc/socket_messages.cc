// SPDX-License-Identifier: Apache-2.0
//
// Messages between unix sockets: sending, receiving, what happens when an end is gone.
#include <new>

#include "guest/fs/object.h"
#include "guest/fs/task_hooks.h"
#include "guest/ipc/socket_wait.h"
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

Status SocketFiles::AddAll(const SocketFiles& other) {
  for (uint32_t i = 0; i < other.count; ++i) {
    TRY(Add(other.files[i]));
  }
  return Ok();
}

uint64_t UnixSocket::readable_bytes() const {
  if (type_ != SocketType::kDatagram) {
    return queued_bytes_;
  }
  return messages_.empty() ? 0 : messages_.front()->bytes;
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
  return WaitOnSocket(target.writers_, send_timeout_ns, [&] {
    return target.RoomFor(bytes) || target.closed_ || target.read_shut_ || write_shut_;
  });
}

// Errors: ENOMEM, EFAULT; nothing is sent then.
Status UnixSocket::SendPiece(UnixSocket& target, IoBuffer& from, uint64_t bytes,
                             SendOptions& options) {
  SocketMessage* message = NewMessage(bytes);
  if (message == nullptr) {
    return Error(ENOMEM);
  }
  if (from.CopyIn(message->data(), bytes) < bytes) {
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
  target.queued_bytes_ += bytes;
  target.readers_.WakeAll();
  return Ok();
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
    return type_ == SocketType::kDatagram && !write_shut_ ? Error(ECONNREFUSED)
                                                          : Broken(options).error();
  }
  const uint64_t total = from.remaining();
  if (!stream() && total > kSocketBuffer) {
    return Error(EMSGSIZE);
  }
  uint64_t sent = 0;
  do {
    const uint64_t left = from.remaining();
    const uint64_t bytes = stream() && left > kStreamPiece ? kStreamPiece : left;
    Status status = WaitForRoom(*target, bytes, options.blocking);
    if (status.ok() && (write_shut_ || target->read_shut_ || target->closed_)) {
      const bool refused = target->closed_ && !write_shut_ && type_ == SocketType::kDatagram;
      status = refused ? Status(Error(ECONNREFUSED)) : Broken(options);
    }
    if (status.ok() && !(stream() && bytes == 0)) {
      status = SendPiece(*target, from, bytes, options);
    }
    if (!status.ok()) {
      return sent > 0 ? Result<uint64_t>(sent) : Result<uint64_t>(status.error());
    }
    sent += bytes;
  } while (from.remaining() > 0);
  return sent;
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
  return WaitOnSocket(readers_, receive_timeout_ns,
                      [&] { return !messages_.empty() || ReadEnded() || error_ != 0; });
}

// The descriptors of a message go to who takes it; who peeks gets references of its own.
Status UnixSocket::GiveFiles(SocketMessage& message, ReceiveOptions& options) {
  if (message.files == nullptr) {
    return Ok();
  }
  if (!options.peek) {
    options.files = message.files;
    message.files = nullptr;
    return Ok();
  }
  options.files = MakeObject<SocketFiles>();
  return options.files == nullptr ? Status(Error(ENOMEM)) : options.files->AddAll(*message.files);
}

// Copies what fits and, unless it peeks, takes it out. What a stream holds stays where the copy
// fails, a datagram is lost. Returns how much. Errors: EFAULT, ENOMEM.
Result<uint64_t> UnixSocket::TakeFrom(SocketMessage& message, IoBuffer& to,
                                      ReceiveOptions& options) {
  const uint64_t there = message.bytes - message.offset;
  const uint64_t fits = there < to.remaining() ? there : to.remaining();
  const bool copied = to.CopyOut(message.data() + message.offset, fits) == fits;
  if (!copied && stream()) {
    return Error(EFAULT);
  }
  TRY(GiveFiles(message, options));
  if (!options.peek) {
    if (stream() && fits < there) {
      message.offset += static_cast<uint32_t>(fits);
      queued_bytes_ -= fits;
    } else {
      Drop(message);
    }
    writers_.WakeAll();
  }
  return copied ? Result<uint64_t>(fits) : Result<uint64_t>(Error(EFAULT));
}

Result<uint64_t> UnixSocket::Receive(IoBuffer& to, ReceiveOptions& options) {
  if (stream() && to.remaining() == 0) {
    return uint64_t{0};
  }
  TRY(WaitForMessage(options.blocking));
  uint64_t received = 0;
  SocketMessage* message = messages_.front();
  if (const int error = message == nullptr ? TakeError() : 0; error != 0) {
    return Error(error);
  }
  while (message != nullptr) {
    // Where credentials come with them, bytes of two senders are not mixed.
    if (options.has_message && pass_credentials && message->sender != options.sender) {
      break;
    }
    options.has_message = true;
    options.from = message->from;
    options.sender = message->sender;
    options.full_bytes = message->bytes - message->offset;
    options.truncated = !stream() && options.full_bytes > to.remaining();
    SocketMessage* next = messages_.Next(*message);
    const Result<uint64_t> taken = TakeFrom(*message, to, options);
    if (!taken.ok()) {
      return received > 0 ? Result<uint64_t>(received) : Result<uint64_t>(taken.error());
    }
    received += taken.value();
    if (!stream() || options.files != nullptr || to.remaining() == 0) {
      break;
    }
    if (next == nullptr && options.wait_all && !options.peek &&
        WaitForMessage(options.blocking).ok()) {
      next = messages_.front();
    }
    message = next;
  }
  return received;
}

}  // namespace fv::guest
