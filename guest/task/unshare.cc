// SPDX-License-Identifier: Apache-2.0
//
// Private copies of what clone shared: unshare(2), and execve for the descriptor table.

#include "guest/fs/fd_table.h"
#include "guest/fs/fs_context.h"
#include "guest/task/lifecycle.h"
#include "guest/task/task.h"

namespace fv::guest {

Status UnshareFiles(Task& task) {
  FdTable* shared = task.files_or_null();
  if (shared == nullptr || shared->refs() == 1) {
    return Ok();
  }
  task.set_files(TRY(shared->Copy()).Leak());
  shared->Release();
  return Ok();
}

Status UnshareFs(Task& task) {
  FsContext* shared = task.fs_or_null();
  if (shared->refs() == 1) {
    return Ok();
  }
  task.set_fs(TRY(shared->Copy()).Leak());
  shared->Release();
  return Ok();
}

}  // namespace fv::guest
