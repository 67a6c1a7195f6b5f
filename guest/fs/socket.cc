// SPDX-License-Identifier: Apache-2.0
//
// Unconnected unix sockets.
#include "guest/fs/socket.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "guest/fs/anonymous.h"
#include "guest/fs/dentry.h"
#include "guest/fs/inode.h"
#include "guest/fs/object.h"

namespace fv::guest {

namespace {

class SocketFile final : public File {
 public:
  SocketFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Read(IoBuffer&, uint64_t&) override { return Error(EINVAL); }
  Result<uint64_t> Write(IoBuffer&, uint64_t&, const IoContext&) override {
    return Error(ENOTCONN);
  }
  uint32_t Poll(PollTable*) override { return POLLOUT | POLLWRNORM | POLLHUP; }
  bool IsSocket() const override { return true; }

 private:
  void Destroy() override { DestroyObject(this); }
};

}  // namespace

Result<Ref<File>> MakeUnixSocket(uint32_t flags) {
  Ref<Dentry> dentry = TRY(MakeAnonymousDentry("socket:[unix]"));
  SocketFile* file = MakeObject<SocketFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK));
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

Status ConnectUnixSocket(const PathCaller& caller, const char* path) {
  Ref<Dentry> found = TRY(Lookup(caller, AT_FDCWD, path, kLookupFollow));
  TRY(CheckAccess(found->inode(), caller.cred, kMayWrite));
  return Error(ECONNREFUSED);
}

}  // namespace fv::guest
