// SPDX-License-Identifier: Apache-2.0
//
// The file holds the id and waits on its queue.

#include "guest/task/pidfd.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include "guest/fs/dentry.h"
#include "guest/fs/inode.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/text_buffer.h"
#include "guest/fs/vfs.h"
#include "guest/lib/mutants.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"
#include "guest/task/lifecycle.h"
#include "guest/task/pid.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr char kName[] = "anon_inode:[pidfd]";
constexpr unsigned kRlimitNofile = 7;

class PidfdInode final : public Inode {
 public:
  explicit PidfdInode(Pid& pid) : Inode(AnonymousSuperblock(), 0700), pid_(pid) {}
  Result<Ref<File>> Open(Ref<Dentry> /*dentry*/, uint32_t /*flags*/) override {
    return Error(ENXIO);
  }
  Pid& pid() const { return *pid_; }

 private:
  void Destroy() override { DestroyObject(this); }
  Ref<Pid> pid_;
};

class PidfdFile final : public File {
 public:
  PidfdFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {
    status |= flags & kPidfdThread;  // elsewhere a flag of creation, here it stays
  }
  // A process has ended when all its threads have, also for who watches its leader. (Linux:
  // pidfd_poll, delay_group_leader.)
  uint32_t Poll(PollTable* table) override {
    if (table != nullptr) {
      table->Wait(pid().exit_waiters);
    }
    Task* task = TaskOf(&pid());
    if (task == nullptr) {
      return POLLIN | POLLRDNORM | POLLHUP;
    }
    const bool ended =
        task->state == proto::TaskState::kZombie && (!task->IsLeader() || GroupIsEmpty(*task));
    return ended ? POLLIN | POLLRDNORM : 0;
  }
  // A regular file of pidfs, which has a position, but nothing to read, write or change.
  bool seekable() const override { return true; }
  Status Truncate(uint64_t /*bytes*/, const IoContext& /*context*/) override {
    return Error(EOPNOTSUPP);
  }
  Status Allocate(int /*mode*/, uint64_t offset, uint64_t length,
                  const IoContext& /*context*/) override {
    return Error(offset + length > INT64_MAX ? EFBIG : EOPNOTSUPP);
  }
  void ShowInfo(TextBuffer& out) override {
    const Pid& id = pid();
    if (TaskOf(&id) == nullptr) {
      out.Add("Pid:\t-1\nNSpid:\t-1\n");
      return;
    }
    const PidNamespace& reader = *CurrentPidNamespace();
    const uint32_t seen = id.NumberIn(reader);
    out.Add("Pid:\t%u\nNSpid:\t%u", seen, seen);
    for (uint32_t level = reader.level + 1; seen != 0 && level <= id.level; ++level) {
      out.Add("\t%u", static_cast<uint32_t>(id.At(level).number));
    }
    out.Add("\n");
  }

 private:
  Pid& pid() { return static_cast<PidfdInode&>(inode()).pid(); }
  void Destroy() override { DestroyObject(this); }
};

}  // namespace

Result<Ref<File>> MakePidfd(Pid& pid, uint32_t flags) {
  auto* inode = MakeObject<PidfdInode>(pid);
  if (inode == nullptr) {
    return Error(ENOMEM);
  }
  Ref<Inode> inode_ref = Ref<Inode>::Adopt(inode);
  Ref<Dentry> dentry = TRY(Dentry::Create(nullptr, kName, sizeof(kName) - 1, std::move(inode_ref)));
  auto* file = MakeObject<PidfdFile>(std::move(dentry), O_RDWR | flags);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

Pid* PidOfPidfd(File& file) {
  if (strcmp(file.dentry().name(), kName) != 0 ||
      &file.inode().superblock() != &AnonymousSuperblock()) {
    return nullptr;
  }
  return &static_cast<PidfdInode&>(file.inode()).pid();
}

Status InstallPidfd(Task& parent, Task& child, uint64_t user_address, uint32_t flags) {
  Ref<File> file = TRY(MakePidfd(child.id(), flags));
  const int fd =
      TRY(parent.files().Add(std::move(file), CloseOnExecFlag::kYes, parent.rlimit(kRlimitNofile)));
  if (!WriteUser(*parent.mm(), user_address, fd).ok()) {
    if (!HasMutant(Mutant::kPidfdLeft)) {
      (void)parent.files().Close(fd).ok();
    }
    return Error(EFAULT);
  }
  return Ok();
}

}  // namespace fv::guest
