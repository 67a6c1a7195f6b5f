// SPDX-License-Identifier: Apache-2.0
//
// FsContext: making and copying.
#include "guest/fs/fs_context.h"

#include "guest/fs/object.h"

namespace fv::guest {

Result<Ref<FsContext>> FsContext::Create(Ref<Dentry> root, uint32_t umask) {
  FsContext* context = MakeObject<FsContext>();
  if (context == nullptr) {
    return Error(ENOMEM);
  }
  context->cwd = root;
  context->root = std::move(root);
  context->umask = umask & 0777;
  return Ref<FsContext>::Adopt(context);
}

Result<Ref<FsContext>> FsContext::Copy() const {
  Ref<FsContext> copy = TRY(Create(root, umask));
  copy->cwd = cwd;
  return copy;
}

void FsContext::Release() {
  if (--refs_ == 0) {
    DestroyObject(this);
  }
}

}  // namespace fv::guest
