// SPDX-License-Identifier: Apache-2.0
//
// The file holds a reference to the task and waits on its exit queue.

#include "guest/task/pidfd.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include "guest/fs/dentry.h"
#include "guest/fs/inode.h"
#include "guest/fs/object.h"
#include "guest/fs/poll.h"
#include "guest/fs/task_hooks.h"
#include "guest/fs/vfs.h"
#include "guest/lib/mutants.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"
#include "guest/task/pid.h"
#include "guest/task/sched_internal.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr char kName[] = "anon_inode:[pidfd]";
constexpr unsigned kRlimitNofile = 7;

class PidfdInode final : public Inode {
 public:
  explicit PidfdInode(Task& task) : Inode(AnonymousSuperblock(), 0700), task_(task) {
    GetTask(task);
  }
  ~PidfdInode() { PutTask(task_); }
  Result<Ref<File>> Open(Ref<Dentry> /*dentry*/, uint32_t /*flags*/) override {
    return Error(ENXIO);
  }
  Task& task() const { return task_; }

 private:
  void Destroy() override { DestroyObject(this); }
  Task& task_;
};

class PidfdFile final : public File {
 public:
  PidfdFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  uint32_t Poll(PollTable* table) override {
    Task& task = static_cast<PidfdInode&>(inode()).task();
    if (table != nullptr) {
      table->Wait(task.exit_waiters);
    }
    const bool ended =
        task.state == proto::TaskState::kZombie || task.state == proto::TaskState::kDead;
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
  size_t FormatInfo(char* out, size_t capacity) override {
    const Task& task = static_cast<PidfdInode&>(inode()).task();
    if (task.state == proto::TaskState::kDead) {
      return Format(out, capacity, "Pid:\t-1\nNSpid:\t-1\n");
    }
    const Pid& id = task.id();
    const PidNamespace& reader = *CurrentPidNamespace();
    const uint32_t seen = id.NumberIn(reader);
    size_t length = Format(out, capacity, "Pid:\t%u\nNSpid:\t%u", seen, seen);
    for (uint32_t level = reader.level + 1; seen != 0 && level <= id.level; ++level) {
      const auto number = static_cast<uint32_t>(id.At(level).number);
      length += Format(out + length, capacity - length, "\t%u", number);
    }
    return length + Format(out + length, capacity - length, "\n");
  }

 private:
  void Destroy() override { DestroyObject(this); }
};

}  // namespace

Result<Ref<File>> MakePidfd(Task& task, uint32_t flags) {
  auto* inode = MakeObject<PidfdInode>(task);
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

Task* TaskOfPidfd(File& file) {
  if (strcmp(file.dentry().name(), kName) != 0 ||
      &file.inode().superblock() != &AnonymousSuperblock()) {
    return nullptr;
  }
  return &static_cast<PidfdInode&>(file.inode()).task();
}

Status InstallPidfd(Task& parent, Task& child, uint64_t user_address) {
  Ref<File> file = TRY(MakePidfd(child, 0));
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
