// SPDX-License-Identifier: Apache-2.0
//
// ProcInode: an inode of a generated file system.
#pragma once

#include "guest/fs/fd_table.h"
#include "guest/fs/proc.h"
#include "guest/fs/task_hooks.h"

namespace fv::guest {

class ProcInode final : public Inode {
 public:
  ProcInode(Superblock& superblock, const ProcNode& node, ProcKey key);
  const ProcNode& node() const { return node_; }
  const ProcKey& key() const { return key_; }

  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override;
  Result<Ref<Inode>> LookupChild(const char* name, size_t length) override;
  Status ListChildren(Dentry& self, DirSink& sink, uint64_t& position) override;
  const char* link_text() override;
  Result<Ref<Dentry>> JumpTarget() override;
  Result<size_t> ReadLink(char* out, size_t capacity) override;
  int create_error() const override { return ENOENT; }
  Status Truncate(uint64_t, const IoContext&) override { return Ok(); }
  Status SetMode(uint32_t) override { return Error(EPERM); }
  Status SetOwner(uint32_t, uint32_t) override { return Error(EPERM); }

 private:
  Result<Ref<Inode>> LookupTask(uint32_t tid, const ProcNode& node);
  Result<Ref<Inode>> LookupFd(uint32_t fd);
  int64_t NextNumber(uint32_t from) const;
  // Whether the task is still there. Errors: ESRCH, ENOENT.
  Status CheckTask() const;
  void Destroy() override;

  const ProcNode& node_;
  ProcKey key_;
  char text_[32] = {};  // of a symbolic link whose text is known at once
};

// An open generated file; the inode is a ProcInode. Errors: ENOMEM, EACCES.
Result<Ref<File>> OpenGenerated(Ref<Dentry> dentry, uint32_t flags);
// /proc/PID/mem and pagemap. Errors: ENOMEM, EACCES.
Result<Ref<File>> OpenTaskMemory(Ref<Dentry> dentry, uint32_t flags);
// /proc/kpagecount, kpageflags and the bitmap of idle pages. Errors: ENOMEM.
Result<Ref<File>> OpenFrameFile(Ref<Dentry> dentry, uint32_t flags);

}  // namespace fv::guest
