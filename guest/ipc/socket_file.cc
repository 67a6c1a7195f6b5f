// SPDX-License-Identifier: Apache-2.0
//
// Sockets as files: read(2), write(2), poll(2), ioctl(2) on them.
#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "guest/fs/object.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/ipc/unix_socket.h"
#include "guest/lib/credentials.h"
#include "guest/lib/print.h"
#include "guest/mm/user_copy.h"

namespace fv::guest {

namespace {

class SocketInode final : public Inode {
 public:
  explicit SocketInode(Ref<UnixSocket> socket)
      : Inode(SocketSuperblock(), kTypeSocket | 0777), socket_(std::move(socket)) {}
  Result<Ref<File>> Open(Ref<Dentry>, uint32_t) override { return Error(ENXIO); }
  UnixSocket& socket() const { return *socket_; }

 private:
  void Destroy() override { DestroyObject(this); }
  Ref<UnixSocket> socket_;
};

class SocketFile final : public File {
 public:
  SocketFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  UnixSocket& socket() const { return static_cast<SocketInode&>(inode()).socket(); }
  Result<uint64_t> Read(IoBuffer& to, uint64_t&) override {
    ReceiveOptions options;
    options.blocking = nonblocking() ? Blocking::kNo : Blocking::kYes;
    Result<uint64_t> moved = socket().Receive(to, options);
    if (options.files != nullptr) {
      DestroyObject(options.files);  // read(2) has no place for descriptors
    }
    return moved;
  }
  Result<uint64_t> Write(IoBuffer& from, uint64_t&, const IoContext&) override {
    SendOptions options;
    options.blocking = nonblocking() ? Blocking::kNo : Blocking::kYes;
    options.sender = {CurrentProcess(), CurrentCredentials().uid, CurrentCredentials().gid};
    return socket().Send(nullptr, from, options);
  }
  uint32_t Poll(PollTable* table) override { return socket().Poll(table); }
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override {
    if (command != FIONREAD) {
      return Error(ENOTTY);
    }
    TRY(WriteUser(mm, argument, static_cast<int>(socket().readable_bytes())));
    return uint64_t{0};
  }
  bool spliceable() const override { return true; }
  bool IsSocket() const override { return true; }

 private:
  void OnLastClose() override { socket().Close(); }
  void Destroy() override { DestroyObject(this); }
};

}  // namespace

Result<Ref<File>> MakeSocketFile(Ref<UnixSocket> socket, uint32_t flags) {
  SocketInode* node = MakeObject<SocketInode>(std::move(socket));
  if (node == nullptr) {
    return Error(ENFILE);  // as Linux reports a missing inode here (socket(2))
  }
  Ref<Inode> inode = Ref<Inode>::Adopt(node);
  char name[32];
  const size_t length = Format(name, sizeof(name), "socket:[%lu]", inode->number());
  Ref<Dentry> dentry = TRY(Dentry::Create(nullptr, name, length, std::move(inode)));
  SocketFile* file = MakeObject<SocketFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK));
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

UnixSocket* SocketOf(File& file) {
  return file.IsSocket() ? &static_cast<SocketFile&>(file).socket() : nullptr;
}

}  // namespace fv::guest
