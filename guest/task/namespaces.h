// SPDX-License-Identifier: Apache-2.0
//
// The namespaces that a task is in (namespaces(7)): its uts namespace, and the pid namespace that
// its children will live in. The one that it lives in itself belongs to its Pid and never changes.
// Other kinds of namespaces do not exist here: asking for one is EINVAL, as of a kernel that was
// configured without them.
#pragma once

#include <cstdint>

#include "guest/lib/pid.h"
#include "guest/lib/ref.h"
#include "guest/lib/result.h"
#include "guest/task/system.h"

namespace fv::guest {

class Task;

// Numbers of the first namespaces (Linux: include/linux/proc_ns.h).
inline constexpr uint32_t kFirstUtsInode = 0xEFFFFFFE;
inline constexpr uint32_t kFirstPidInode = 0xEFFFFFFC;
inline constexpr uint32_t kFirstMountInode = 0xEFFFFFF8;
// A number for a namespace that is made later.
uint32_t NewNamespaceInode();

// Host and domain name (uts_namespaces(7)).
class UtsNamespace {
 public:
  explicit UtsNamespace(const Utsname& of, uint32_t number) : name(of), inode(number) {}
  UtsNamespace(const UtsNamespace&) = delete;
  UtsNamespace& operator=(const UtsNamespace&) = delete;
  void AddRef() { ++refs_; }
  void Release();

  Utsname name;
  const uint32_t inode;

 private:
  uint32_t refs_ = 1;
};

void InitNamespaces();
UtsNamespace& InitialUtsNamespace();
// One with the same names. Errors: ENOMEM.
Result<Ref<UtsNamespace>> CopyUtsNamespace(const UtsNamespace& from);

// What clone and unshare make of the CLONE_NEW* bits in `flags`.
struct NamespaceSet {
  Ref<UtsNamespace> uts;
  Ref<PidNamespace> pid_for_children;
};
// Those of `task`, new ones where `flags` asks for them. Errors: EPERM, EINVAL (a kind that does
// not exist; CLONE_NEWPID while children go elsewhere already), ENOSPC, ENOMEM.
Result<NamespaceSet> CopyNamespaces(uint64_t flags, const Task& task);

}  // namespace fv::guest
