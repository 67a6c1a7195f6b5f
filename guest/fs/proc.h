// SPDX-License-Identifier: Apache-2.0
//
// The machinery of generated file systems (/proc, /sys): static tables of nodes; inodes and
// dentries are made on lookup and hold (node, task, number). A file's text is built when it is read
// from the start and then stays the same for that open file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/fs/dentry.h"
#include "guest/fs/inode.h"
#include "guest/fs/mode.h"
#include "guest/fs/text_buffer.h"
#include "guest/lib/pid.h"
#include "guest/lib/result.h"

namespace fv::guest {

// What a node is beyond its type bits.
enum class ProcKind : uint8_t {
  kPlain,      // file with show(), or directory with `children`
  kRoot,       // /proc: children, then one directory a thread group
  kTaskDir,    // PID/task
  kFdDir,      // PID/fd
  kFdInfoDir,  // PID/fdinfo
  kSelf,       // symbolic links
  kThreadSelf,
  kText,  // symbolic link with text from show()
  kExe,   // magic links
  kCwd,
  kTaskRoot,
  kFd,
  kNamespace,     // magic link to the namespace that it is named after
  kMappingsText,  // file with show(), opened by who may inspect the task
  kMemoryText,    // the same, of a task that has memory
  kMem,           // files of proc_memory_file.cc
  kPagemap,
  kPageCount,  // files of proc_frames_file.cc
  kPageFlags,
  kPageIdle,
  kKmsg,  // log_reader.h
};

// Which object a generated file is about.
struct ProcKey {
  uint32_t task = 0;    // thread id, 0 outside PID directories
  uint32_t number = 0;  // descriptor in fd and fdinfo
  // The pid namespace that the file system was mounted in; nullptr: the initial one.
  const PidNamespace* reader = nullptr;
};

struct ProcNode {
  const char* name;
  uint32_t mode;
  ProcKind kind;
  // Errors: ESRCH (the task is gone), EACCES.
  Status (*show)(TextBuffer& out, const ProcKey& key);
  // A write of one piece of text. nullptr: read-only.
  Status (*store)(const ProcKey& key, const char* text, size_t length);
  const ProcNode* children;
  size_t child_count;
};

constexpr ProcNode ProcFile(const char* name, Status (*show)(TextBuffer&, const ProcKey&),
                            uint32_t permissions = 0444) {
  return {name, kTypeRegular | permissions, ProcKind::kPlain, show, nullptr, nullptr, 0};
}
// A file that root may write as well.
constexpr ProcNode Writable(const char* name, Status (*show)(TextBuffer&, const ProcKey&),
                            Status (*store)(const ProcKey&, const char*, size_t)) {
  return {name, kTypeRegular | 0644, ProcKind::kPlain, show, store, nullptr, 0};
}
constexpr ProcNode ProcDirectory(const char* name, const ProcNode* children, size_t count,
                                 uint32_t permissions = 0555) {
  return {name, kTypeDirectory | permissions, ProcKind::kPlain, nullptr, nullptr, children, count};
}
constexpr ProcNode ProcLink(const char* name, ProcKind kind) {
  return {name, kTypeSymlink | 0777, kind, nullptr, nullptr, nullptr, 0};
}

// Errors: ENOMEM.
Result<Ref<Inode>> MakeProcInode(Superblock& superblock, const ProcNode& node, ProcKey key);

// The tables: proc_tables.cc, sys_tables.cc.
extern const ProcNode kProcRoot;
extern const ProcNode kSysRoot;
extern const ProcNode kProcPid;     // /proc/PID
extern const ProcNode kProcTid;     // /proc/PID/task/TID
extern const ProcNode kProcFd;      // /proc/PID/fd/N
extern const ProcNode kProcFdInfo;  // /proc/PID/fdinfo/N
// The process whose directory /proc/PID `file` is open on, or 0 (pidfd_send_signal(2)).
uint32_t ProcessOfDirectory(const File& file);
inline constexpr size_t kProcSysNodeCount = 3;
extern const ProcNode kProcSysNodes[kProcSysNodeCount];  // in /proc/sys

}  // namespace fv::guest
