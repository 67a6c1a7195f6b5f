// SPDX-License-Identifier: Apache-2.0
//
// FsContext: making and copying.
#include "guest/fs/fs_context.h"

#include "guest/fs/object.h"
#include "guest/lib/list.h"

namespace fv::guest {
namespace {
constinit proto::Link g_contexts{0, 0};
using Contexts = ListView<FsContext, &proto::FsRecord::fs_contexts>;
}  // namespace

proto::Link& FsContexts() { return ReadyHead(g_contexts); }

FsContext::FsContext() : FsRecord{proto::kFsMagic, {0, 0}, 1, 022} {
  Contexts(FsContexts()).PushBack(*this);
}

FsContext::~FsContext() { Unlink(FsRecord::fs_contexts); }

Result<Ref<FsContext>> FsContext::Create(Ref<Dentry> root, uint32_t umask) {
  FsContext* context = MakeObject<FsContext>();
  if (context == nullptr) {
    return Error(ENOMEM);
  }
  context->cwd = root;
  context->root = std::move(root);
  context->mask = umask & 0777;
  return Ref<FsContext>::Adopt(context);
}

Result<Ref<FsContext>> FsContext::Copy() const {
  Ref<FsContext> copy = TRY(Create(root, mask));
  copy->cwd = cwd;
  return copy;
}

void FsContext::Release() {
  if (--users == 0) {
    DestroyObject(this);
  }
}

}  // namespace fv::guest
