// SPDX-License-Identifier: Apache-2.0
//
// Inodes of /proc and /sys: lookup in the tables, listing, links, ownership.
#include "guest/fs/proc_inode.h"

#include "guest/fs/proc_mm.h"

#include "guest/fs/log_reader.h"
#include "guest/fs/mount.h"
#include "guest/fs/object.h"
#include "guest/fs/path.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/ramfs.h"
#include "guest/lib/print.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint64_t kFirstChild = 2;  // cookies 0 and 1 are "." and ".."
// Tasks and descriptors come after every static child in a listing.
constexpr uint64_t kFirstNumber = 1000;

// A decimal number without leading zeros, below 2^31; -1 otherwise.
int64_t ParseNumber(const char* text, size_t length) {
  if (length == 0 || length > 9 || (text[0] == '0' && length > 1)) {
    return -1;
  }
  int64_t value = 0;
  for (size_t i = 0; i < length; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return -1;
    }
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

uint64_t NumberOf(const ProcNode& node, const ProcKey& key) {
  return uint64_t{key.task} << 40 | (AddressOf(&node) >> 3 & 0xfffff) << 20 |
         (key.number & 0xfffff);
}

bool Named(const ProcNode& node, const char* name, size_t length) {
  return strlen(node.name) == length && memcmp(node.name, name, length) == 0;
}

}  // namespace

ProcInode::ProcInode(Superblock& superblock, const ProcNode& node, ProcKey key)
    : Inode(superblock, node.mode), node_(node), key_(key) {
  key_.reader = superblock.reader;
  SetNumber(NumberOf(node, key));
  links = IsDirectory() ? 2 : 1;
  TaskInfo info;
  // A directory open to all says whose the process is, come what may. (Linux: task_dump_owner.)
  constexpr uint32_t kOpenDirectory = kTypeDirectory | 0555;
  if (key.task != 0 && FillTaskInfo(key.task, info) &&
      (info.dumpable || node.mode == kOpenDirectory)) {
    uid = info.euid;
    gid = info.egid;
  }
  if (node.kind == ProcKind::kSelf) {
    if (const uint32_t self = NumberForReader(key_.reader, CurrentTgid()); self != 0) {
      Format(text_, sizeof(text_), "%u", self);
    }
  } else if (node.kind == ProcKind::kThreadSelf) {
    if (const uint32_t self = NumberForReader(key_.reader, CurrentTgid()); self != 0) {
      const uint32_t thread = NumberForReader(key_.reader, CurrentTid());
      Format(text_, sizeof(text_), "%u/task/%u", self, thread);
    }
  } else if (node.kind == ProcKind::kText) {
    TextBuffer text;
    if (node.show(text, key).ok() && text.size() < sizeof(text_)) {
      memcpy(text_, text.data(), text.size());
    }
  }
}

void ProcInode::Destroy() { DestroyObject(this); }

const char* ProcInode::link_text() { return text_[0] == '\0' ? nullptr : text_; }

Result<Ref<File>> ProcInode::Open(Ref<Dentry> dentry, uint32_t flags) {
  if (IsDirectory()) {
    return OpenDirectory(std::move(dentry), flags);
  }
  if (node_.kind == ProcKind::kMem || node_.kind == ProcKind::kPagemap) {
    return OpenTaskMemory(std::move(dentry), flags);
  }
  if (node_.kind == ProcKind::kMemoryText || node_.kind == ProcKind::kMappingsText) {
    const MmRef mm(TRY(GetTaskMm(key_.task)));
    if (!mm && node_.kind == ProcKind::kMemoryText) {
      return Error(ESRCH);
    }
  }
  if (node_.kind == ProcKind::kPageCount || node_.kind == ProcKind::kPageFlags ||
      node_.kind == ProcKind::kPageIdle) {
    return OpenFrameFile(std::move(dentry), flags);
  }
  if (node_.kind == ProcKind::kKmsg) {
    return OpenProcKmsg(std::move(dentry), flags);
  }
  return OpenGenerated(std::move(dentry), flags);
}

Result<Ref<Inode>> ProcInode::LookupTask(uint32_t tid, const ProcNode& node) {
  TaskInfo info;
  if (!FillTaskInfo(tid, info)) {
    return Error(ENOENT);
  }
  if (node_.kind == ProcKind::kTaskDir) {
    TaskInfo group;
    if (!FillTaskInfo(key_.task, group) || group.tgid != info.tgid) {
      return Error(ENOENT);
    }
  }
  return MakeProcInode(superblock(), node, {.task = tid});
}

Result<Ref<Inode>> ProcInode::LookupFd(uint32_t fd) {
  const Ref<FdTable> files = TRY(GetTaskFiles(key_.task));
  if (!files) {
    return Error(ENOENT);
  }
  const Result<Ref<File>> file = files->GetPath(static_cast<int>(fd));
  if (!file.ok()) {
    return Error(ENOENT);
  }
  const bool info = node_.kind == ProcKind::kFdInfoDir;
  Ref<Inode> inode =
      TRY(MakeProcInode(superblock(), info ? kProcFdInfo : kProcFd, {key_.task, fd}));
  if (!info) {
    // The link's permission bits tell how the descriptor was opened.
    inode->SetPermissions((file.value()->readable() ? 0500u : 0) |
                          (file.value()->writable() ? 0300u : 0));
  }
  return inode;
}

// (Linux: proc_pid_permission, and what the lookups of the directories below say.)
Status ProcInode::CheckTask() const {
  if (key_.task == 0 || TaskExists(key_.task)) {
    return Ok();
  }
  return Error(&node_ == &kProcPid || &node_ == &kProcTid ? ESRCH : ENOENT);
}

Result<Ref<Inode>> ProcInode::LookupChild(const char* name, size_t length) {
  TRY(CheckTask());
  for (size_t i = 0; i < node_.child_count; ++i) {
    if (Named(node_.children[i], name, length)) {
      return MakeProcInode(superblock(), node_.children[i], {.task = key_.task});
    }
  }
  const int64_t number = ParseNumber(name, length);
  if (number < 0) {
    return Error(ENOENT);
  }
  switch (node_.kind) {
    case ProcKind::kRoot:
      return LookupTask(TidFromReader(key_.reader, static_cast<uint32_t>(number)), kProcPid);
    case ProcKind::kTaskDir:
      return LookupTask(TidFromReader(key_.reader, static_cast<uint32_t>(number)), kProcTid);
    case ProcKind::kFdDir:
    case ProcKind::kFdInfoDir:
      return LookupFd(static_cast<uint32_t>(number));
    default:
      return Error(ENOENT);
  }
}

// The next number to list that is at least `from`; -1: no more.
int64_t ProcInode::NextNumber(uint32_t from) const {
  switch (node_.kind) {
    case ProcKind::kRoot: {
      const uint32_t pid = NextTgid(key_.reader, from == 0 ? 0 : from - 1);
      return pid == 0 ? -1 : int64_t{pid};
    }
    case ProcKind::kTaskDir: {
      const uint32_t tid = NextTid(key_.reader, key_.task, from == 0 ? 0 : from - 1);
      return tid == 0 ? -1 : int64_t{tid};
    }
    case ProcKind::kFdDir:
    case ProcKind::kFdInfoDir: {
      Result<Ref<FdTable>> files = GetTaskFiles(key_.task);
      return files.ok() && files.value() ? files.value()->Next(from) : -1;
    }
    default:
      return -1;
  }
}

Status ProcInode::ListChildren(Dentry&, DirSink& sink, uint64_t& position) {
  if (!CheckTask().ok()) {
    return Ok();
  }
  while (position - kFirstChild < node_.child_count) {
    const ProcNode& child = node_.children[position - kFirstChild];
    if (!sink.Entry(child.name, strlen(child.name), NumberOf(child, {.task = key_.task}),
                    (child.mode & kTypeMask) >> 12, position + 1)) {
      return Ok();
    }
    ++position;
  }
  position = position < kFirstNumber ? kFirstNumber : position;
  for (;;) {
    const int64_t number = NextNumber(static_cast<uint32_t>(position - kFirstNumber));
    if (number < 0) {
      return Ok();
    }
    const bool link = node_.kind == ProcKind::kFdDir;
    const bool file = node_.kind == ProcKind::kFdInfoDir;
    const uint32_t type = link ? kTypeSymlink : file ? kTypeRegular : kTypeDirectory;
    char name[16];
    const size_t length = Format(name, sizeof(name), "%ld", static_cast<long>(number));
    const uint64_t next = kFirstNumber + static_cast<uint64_t>(number) + 1;
    ProcKey key{key_.task, static_cast<uint32_t>(number)};
    if (!link && !file) {
      key = ProcKey{TidFromReader(key_.reader, static_cast<uint32_t>(number)), 0};
    }
    if (!sink.Entry(name, length, NumberOf(node_, key), type >> 12, next)) {
      return Ok();
    }
    position = next;
  }
}

Result<Ref<Dentry>> ProcInode::JumpTarget() {
  if (node_.kind == ProcKind::kSelf || node_.kind == ProcKind::kThreadSelf) {
    return Error(ENOENT);  // the caller does not exist in the namespace that this /proc shows
  }
  if (!MayInspectTask(key_.task)) {
    return Error(EACCES);
  }
  switch (node_.kind) {
    case ProcKind::kExe:
      return GetTaskExe(key_.task);
    case ProcKind::kCwd:
    case ProcKind::kTaskRoot: {
      const Ref<FsContext> fs = TRY(GetTaskFs(key_.task));
      if (!fs) {
        return Error(ENOENT);
      }
      return node_.kind == ProcKind::kCwd ? fs->cwd : fs->root;
    }
    case ProcKind::kFd: {
      const Ref<FdTable> files = TRY(GetTaskFiles(key_.task));
      if (!files) {
        return Error(ENOENT);
      }
      const Result<Ref<File>> file = files->GetPath(static_cast<int>(key_.number));
      if (!file.ok()) {
        return Error(ENOENT);
      }
      return Ref<Dentry>(file.value()->dentry());
    }
    case ProcKind::kNamespace:
      return GetTaskNamespace(key_.task, node_.name);
    default:
      return Error(EINVAL);
  }
}

Result<size_t> ProcInode::ReadLink(char* out, size_t capacity) {
  const Ref<Dentry> target = TRY(JumpTarget());
  const Ref<FsContext> fs = TRY(GetTaskFs(CurrentTid()));
  char path[1024];
  const size_t length = TRY(FormatPath(*target, *fs->root, path, sizeof(path)));
  const size_t bytes = length < capacity ? length : capacity;
  memcpy(out, path, bytes);
  return bytes;
}

Result<Ref<Inode>> MakeProcInode(Superblock& superblock, const ProcNode& node, ProcKey key) {
  ProcInode* inode = MakeObject<ProcInode>(superblock, node, key);
  if (inode == nullptr) {
    return Error(ENOMEM);
  }
  return Ref<Inode>::Adopt(inode);
}

Result<Ref<Inode>> MakeProcRoot(Superblock& superblock) {
  return MakeProcInode(superblock, kProcRoot, {});
}

Result<Ref<Inode>> MakeSysRoot(Superblock& superblock) {
  return MakeProcInode(superblock, kSysRoot, {});
}

uint32_t ProcessOfDirectory(const File& file) {
  const Inode& inode = file.inode();
  if (strcmp(inode.superblock().type, "proc") != 0) {
    return 0;
  }
  const auto& generated = static_cast<const ProcInode&>(inode);
  return &generated.node() == &kProcPid ? generated.key().task : 0;
}

}  // namespace fv::guest
