// SPDX-License-Identifier: Apache-2.0
//
// Inodes without a path.
#include "guest/fs/anonymous.h"

#include "guest/fs/object.h"
#include "guest/fs/vfs.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

class AnonymousInode final : public Inode {
 public:
  AnonymousInode() : Inode(AnonymousSuperblock(), 0600) {}
  Result<Ref<File>> Open(Ref<Dentry>, uint32_t) override { return Error(ENXIO); }

 private:
  void Destroy() override { DestroyObject(this); }
};

}  // namespace

Result<Ref<Dentry>> MakeAnonymousDentry(const char* name) {
  AnonymousInode* inode = MakeObject<AnonymousInode>();
  if (inode == nullptr) {
    return Error(ENOMEM);
  }
  return Dentry::Create(nullptr, name, strlen(name), Ref<Inode>::Adopt(inode));
}

}  // namespace fv::guest
