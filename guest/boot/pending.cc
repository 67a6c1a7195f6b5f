// SPDX-License-Identifier: Apache-2.0
//
// Empty roots for /proc and /sys, and a poll without waiting, until guest/fs has its own. Weak: the
// real ones win, and this file goes then.

#include "guest/fs/mode.h"
#include "guest/fs/mount.h"
#include "guest/fs/poll.h"
#include "guest/fs/ramfs.h"

namespace fv::guest {

[[gnu::weak]] Result<Ref<Inode>> MakeProcRoot(Superblock& superblock) {
  return MakeRamInode(superblock, kTypeDirectory | 0555);
}
[[gnu::weak]] Result<Ref<Inode>> MakeSysRoot(Superblock& superblock) {
  return MakeRamInode(superblock, kTypeDirectory | 0555);
}
[[gnu::weak]] void PollTable::Wait(WaitQueue& /*queue*/) {}

}  // namespace fv::guest
