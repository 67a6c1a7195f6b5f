// SPDX-License-Identifier: Apache-2.0
//
// The names of message queues, a directory of its own; making and removing queues.
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#include "guest/fs/path.h"
#include "guest/fs/ramfs.h"
#include "guest/ipc/mqueue.h"
#include "guest/ipc/mqueue_inode.h"
#include "guest/lib/string.h"
#include "guest/task/task.h"

namespace fv::guest {
namespace {

// What Linux charges a queue for a message's header and for a priority's tree node.
constexpr uint64_t kMessageCost = 48;
constexpr uint64_t kNodeCost = 48;

constinit Dentry* g_names = nullptr;  // made with the first queue, kept

Result<Dentry*> Names() {
  if (g_names == nullptr) {
    Ref<Inode> inode = TRY(MakeRamInode(MqueueSuperblock(), kTypeDirectory | 01777));
    g_names = TRY(Dentry::Create(nullptr, "/", 1, std::move(inode))).Leak();
  }
  return g_names;
}

// Errors: EACCES ("", ".", "..", a slash in it), ENAMETOOLONG.
Status CheckName(const char* name, size_t length) {
  bool slash = false;
  for (size_t i = 0; i < length; ++i) {
    slash = slash || name[i] == '/';
  }
  if (length == 0 || slash || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
    return Error(EACCES);
  }
  return length > kNameMax ? Status(Error(ENAMETOOLONG)) : Ok();
}

Status CheckSize(const Task& task, int64_t max_messages, int64_t message_bytes) {
  const bool privileged = task.Capable(CAP_SYS_RESOURCE);
  if (max_messages <= 0 || message_bytes <= 0 ||
      max_messages > (privileged ? kMqHardMaxMessages : kMqMaxMessages) ||
      message_bytes > (privileged ? kMqHardMessageBytes : kMqMessageBytes)) {
    return Error(EINVAL);
  }
  return Ok();
}

Result<Ref<Dentry>> MakeQueue(Task& task, Dentry& names, const char* name, uint32_t mode,
                              const MqAttributes* wanted) {
  if (MqueueCount() >= kMqQueues && !task.Capable(CAP_SYS_RESOURCE)) {
    return Error(ENOSPC);
  }
  const int64_t max_messages = wanted != nullptr ? wanted->max_messages : kMqMaxMessages;
  const int64_t message_bytes = wanted != nullptr ? wanted->message_bytes : kMqMessageBytes;
  TRY(CheckSize(task, max_messages, message_bytes));
  const auto slots = static_cast<uint64_t>(max_messages);
  const uint64_t nodes = slots < kMqPriorities ? slots : kMqPriorities;
  const uint64_t charge =
      slots * kMessageCost + nodes * kNodeCost + slots * static_cast<uint64_t>(message_bytes);
  UserAccount& user = *task.cred().user;
  if (user.mqueue_bytes + charge > task.rlimit(RLIMIT_MSGQUEUE)) {
    return Error(EMFILE);
  }
  const uint32_t bits = kTypeRegular | (mode & kModePermissions & ~task.fs().mask);
  Ref<Inode> made = TRY(MakeMqueueInode(bits, max_messages, message_bytes, user, charge));
  made->uid = task.cred().fsuid;
  made->gid = task.cred().fsgid;
  Ref<Dentry> dentry = TRY(Dentry::Create(Ref<Dentry>(names), name, strlen(name), std::move(made)));
  names.AddChild(*dentry);
  return dentry;
}

uint32_t AccessOf(uint32_t flags) {
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return kMayRead;
    case O_WRONLY:
      return kMayWrite;
    default:
      return kMayRead | kMayWrite;
  }
}

}  // namespace

Result<Ref<File>> OpenMqueue(Task& task, const char* name, uint32_t flags, uint32_t mode,
                             const MqAttributes* wanted) {
  const size_t length = strlen(name);
  TRY(CheckName(name, length));
  Dentry* names = TRY(Names());
  const uint32_t status = flags & (O_ACCMODE | O_NONBLOCK);
  if (Dentry* found = names->FindChild(name, length); found != nullptr) {
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
      return Error(EEXIST);
    }
    if ((flags & O_ACCMODE) == (O_WRONLY | O_RDWR)) {
      return Error(EINVAL);
    }
    TRY(CheckAccess(found->inode(), task.cred(), AccessOf(flags)));
    return found->inode().Open(Ref<Dentry>(*found), status);
  }
  if ((flags & O_CREAT) == 0) {
    return Error(ENOENT);
  }
  Ref<Dentry> made = TRY(MakeQueue(task, *names, name, mode, wanted));
  Result<Ref<File>> file = made->inode().Open(made, status);
  if (!file.ok()) {
    names->RemoveChild(*made);
  }
  return file;
}

Status UnlinkMqueue(Task& task, const char* name) {
  const size_t length = strlen(name);
  TRY(CheckName(name, length));
  Dentry* names = TRY(Names());
  Dentry* found = names->FindChild(name, length);
  if (found == nullptr) {
    return Error(ENOENT);
  }
  // The directory is sticky and root's.
  const Credentials& cred = task.cred();
  if (cred.fsuid != found->inode().uid && cred.fsuid != 0 && !cred.Capable(CAP_FOWNER)) {
    return Error(EPERM);
  }
  --found->inode().links;
  names->RemoveChild(*found);
  return Ok();
}

}  // namespace fv::guest
