// SPDX-License-Identifier: Apache-2.0
//
// FsContext: working directory, root directory and umask of a process (Linux's fs_struct), shared
// by CLONE_FS. Locking: fs->lock. Reference counted.
#pragma once

#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "proto/process_records.h"

namespace fv::guest {

class FsContext : public proto::FsRecord {
 public:
  // Everything at `root`. Errors: ENOMEM.
  static Result<Ref<FsContext>> Create(Ref<Dentry> root, uint32_t umask);
  // fork without CLONE_FS. Errors: ENOMEM.
  Result<Ref<FsContext>> Copy() const;
  void AddRef() { ++users; }
  void Release();
  uint32_t refs() const { return users; }

  Ref<Dentry> cwd;
  Ref<Dentry> root;

 private:
  template <typename T, typename... Args>
  friend T* MakeObject(Args&&...);
  template <typename T>
  friend void DestroyObject(T*);
  FsContext();
  ~FsContext();
};

// The head of the list of all of them.
proto::Link& FsContexts();

}  // namespace fv::guest
