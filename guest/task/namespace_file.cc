// SPDX-License-Identifier: Apache-2.0
//
// The inodes and files of /proc/PID/ns. A dentry is made at each look-up and goes with its last
// user; two that stand for one namespace have the same inode number, which is how programs compare.

#include "guest/task/namespace_file.h"

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/nsfs.h>

#include "guest/fs/fd_table.h"
#include "guest/fs/object.h"
#include "guest/fs/proc_source.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"
#include "guest/mm/user_copy.h"
#include "guest/task/clone_args.h"
#include "guest/task/pid.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

constexpr uint64_t kNsfsMagic = 0x6e736673;
constexpr unsigned kRlimitNofile = 7;
// Since Linux 6.11: translation of process ids between namespaces.
constexpr uint32_t kGetPidFrom = _IOR(NSIO, 0x6, int);
constexpr uint32_t kGetTgidFrom = _IOR(NSIO, 0x7, int);
constexpr uint32_t kGetPidIn = _IOR(NSIO, 0x8, int);
constexpr uint32_t kGetTgidIn = _IOR(NSIO, 0x9, int);

constinit Superblock g_superblock{"nsfs", "nsfs", "rw", kNsfsMagic, 4, 4, 1, false};

uint32_t InodeNumberOf(const NamespaceTarget& target) {
  return target.uts ? target.uts->inode : target.pid ? target.pid->inode : kFirstMountInode;
}

const char* KindName(const NamespaceTarget& target) {
  return target.uts ? "uts" : target.pid ? "pid" : "mnt";
}

class NamespaceInode final : public Inode {
 public:
  explicit NamespaceInode(NamespaceTarget target)
      : Inode(g_superblock, kTypeRegular | 0444), target_(std::move(target)) {
    SetNumber(InodeNumberOf(target_));
  }
  Result<Ref<File>> Open(Ref<Dentry> dentry, uint32_t flags) override;
  Status SetMode(uint32_t) override { return Error(EPERM); }
  Status SetOwner(uint32_t, uint32_t) override { return Error(EPERM); }
  const NamespaceTarget& target() const { return target_; }

 private:
  void Destroy() override { DestroyObject(this); }
  NamespaceTarget target_;
};

// A name for it, as readlink(2) shows it. Errors: ENOMEM.
Result<Ref<Dentry>> MakeDentry(NamespaceTarget target) {
  char name[32];
  const size_t length =
      Format(name, sizeof(name), "%s:[%u]", KindName(target), InodeNumberOf(target));
  auto* inode = MakeObject<NamespaceInode>(std::move(target));
  if (inode == nullptr) {
    return Error(ENOMEM);
  }
  return Dentry::Create(nullptr, name, length, Ref<Inode>::Adopt(inode));
}

class NamespaceFile final : public File {
 public:
  NamespaceFile(Ref<Dentry> dentry, uint32_t flags) : File(std::move(dentry), flags) {}
  Result<uint64_t> Ioctl(uint32_t command, uint64_t argument, Mm& mm) override;
  bool seekable() const override { return true; }
  bool pollable() const override { return false; }

 private:
  const NamespaceTarget& target() const {
    return static_cast<const NamespaceInode&>(inode()).target();
  }
  Result<uint64_t> OpenParent() const;
  Result<uint64_t> Translate(uint32_t command, uint32_t number) const;
  void Destroy() override { DestroyObject(this); }
};

Result<Ref<File>> NamespaceInode::Open(Ref<Dentry> dentry, uint32_t flags) {
  if ((flags & O_ACCMODE) != O_RDONLY) {
    return Error(EPERM);  // immutable
  }
  auto* file = MakeObject<NamespaceFile>(std::move(dentry), flags);
  if (file == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<File>::Adopt(file);
}

// NS_GET_PARENT: only what lies within the caller's own namespace is shown.
Result<uint64_t> NamespaceFile::OpenParent() const {
  if (!target().pid) {
    return Error(EINVAL);  // only pid and user namespaces have parents
  }
  PidNamespace* parent = target().pid->parent();
  Task& task = *CurrentTask();
  if (parent == nullptr || !ActivePidNamespace(task).Contains(*parent)) {
    return Error(EPERM);
  }
  NamespaceTarget above;
  above.kind = kCloneNewPid;
  above.pid = Ref<PidNamespace>(*parent);
  Ref<Dentry> dentry = TRY(MakeDentry(std::move(above)));
  Ref<File> file = TRY(dentry->inode().Open(dentry, O_RDONLY));
  const int fd =
      TRY(task.files().Add(std::move(file), CloseOnExecFlag::kYes, task.rlimit(kRlimitNofile)));
  return static_cast<uint64_t>(fd);
}

Result<uint64_t> NamespaceFile::Translate(uint32_t command, uint32_t number) const {
  if (!target().pid) {
    return Error(EINVAL);
  }
  const PidNamespace& own = ActivePidNamespace(*CurrentTask());
  const PidNamespace& other = *target().pid;
  const bool from = command == kGetPidFrom || command == kGetTgidFrom;
  const Task* task = FindTaskIn(number, from ? other : own);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  const bool process = command == kGetTgidFrom || command == kGetTgidIn;
  const PidNamespace& reader = from ? own : other;
  const uint32_t seen = process ? TgidIn(*task, reader) : PidIn(*task, reader);
  return seen == 0 ? Result<uint64_t>(Error(ESRCH)) : Result<uint64_t>(uint64_t{seen});
}

Result<uint64_t> NamespaceFile::Ioctl(uint32_t command, uint64_t argument, Mm& /*mm*/) {
  switch (command) {
    case NS_GET_NSTYPE:
      return target().kind;
    case NS_GET_PARENT:
      return OpenParent();
    case NS_GET_USERNS:
      return Error(EPERM);  // there is only the initial one, which nobody may see the owner of
    case NS_GET_OWNER_UID:
      return Error(EINVAL);
    case kGetPidFrom:
    case kGetTgidFrom:
    case kGetPidIn:
    case kGetTgidIn:
      return Translate(command, static_cast<uint32_t>(argument));
    default:
      return Error(ENOTTY);
  }
}

}  // namespace

const NamespaceTarget* NamespaceOf(File& file) {
  return &file.inode().superblock() == &g_superblock && !file.path_only()
             ? &static_cast<NamespaceInode&>(file.inode()).target()
             : nullptr;
}

Result<Ref<Dentry>> GetTaskNamespace(uint32_t tid, const char* name) {
  Task* task = FindTask(tid);
  if (task == nullptr) {
    return Error(ESRCH);
  }
  NamespaceTarget target;
  if (strcmp(name, "uts") == 0) {
    target.kind = kCloneNewUts;
    target.uts = task->uts;
  } else if (strcmp(name, "pid") == 0) {
    target.kind = kCloneNewPid;
    target.pid = Ref<PidNamespace>(ActivePidNamespace(*task));
  } else if (strcmp(name, "pid_for_children") == 0) {
    target.kind = kCloneNewPid;
    target.pid = task->pid_for_children;
    if (target.pid && target.pid->reaper == 0) {
      return Error(ENOENT);  // without an init: not begun yet, or over
    }
  } else {
    target.kind = kCloneNewNs;
  }
  const bool gone = task->uts.get() == nullptr && target.kind != kCloneNewPid;
  if (gone || (target.kind == kCloneNewPid && !target.pid)) {
    return Error(ENOENT);
  }
  return MakeDentry(std::move(target));
}

Status EnterNamespaces(Task& task, const NamespaceTarget& target) {
  if (!task.Capable(CAP_SYS_ADMIN)) {
    return Error(EPERM);
  }
  if (target.kind == kCloneNewNs) {
    return Error(EINVAL);
  }
  if (target.pid && !ActivePidNamespace(task).Contains(*target.pid)) {
    return Error(EINVAL);  // nobody leaves the namespace that he lives in
  }
  if (target.uts) {
    task.uts = target.uts;
  }
  if (target.pid) {
    task.pid_for_children = target.pid;
  }
  return Ok();
}

}  // namespace fv::guest
